"""The configuration: what is accepted, and what the user reads when it is not."""

import copy
import math
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from snakemake.utils import update_config

from igsed import LABELS, config, detectors
from igsed.errors import InputError

ROOT = Path(__file__).parents[2]
BASE = """\
experiment: base
seed: 1
soundbank:
  kind: procedural
mixtures:
  clips: {train: 4, validation: 2, test: 2}
"""


def load(*files):
    """Merge and check files as the workflow does."""
    values = {}
    for path in files:
        update_config(values, yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {})
    return config.load(values, files)


@pytest.fixture
def base(tmp_path):
    path = tmp_path / "base.yaml"
    path.write_text(BASE)
    return path


@pytest.fixture
def refused(base, tmp_path):
    """The message for an experiment of one's own over the base."""

    def message(text):
        own = tmp_path / "own.yaml"
        own.write_text(text)
        with pytest.raises(InputError) as caught:
            load(base, own)
        return str(caught.value).replace(str(own), "own.yaml").replace(str(base), "base.yaml")

    return message


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.yaml")), ids=lambda path: path.stem)
def test_experiments_of_the_repository_load(path):
    assert load(ROOT / "config.yaml", path).experiment


def test_default_experiment_is_the_issue_s_and_more_detectors():
    default = load(ROOT / "config.yaml")
    assert default.detector_names == [
        *("ig", "ig_quiet", "ig_quiet_random_head", "gradient_input", "cam", "occlusion"),
        *("fw_ws", "fw_ss", "random", "energy", "oracle"),
    ]
    quiet, control = default.chosen("ig_quiet"), default.chosen("ig_quiet_random_head")
    changed = {"baseline": "quiet_second", "domain": "mel", "n_steps": 4, "tolerance": None}
    assert quiet.settings == default.chosen("ig").settings | changed
    assert (control.method, control.settings, control.control) == ("ig", quiet.settings, "random_head")
    assert load(ROOT / "config.yaml", ROOT / "config" / "paper.yaml").detector_names == [
        *("ig", "fw_ws", "fw_ss", "random", "energy"),
        *("ig_captum", "ig_quiet", "ig_quiet_random_head", "ig_levels", "cam", "oracle"),
    ]
    assert default.classes == list(LABELS)
    assert (default.mixtures.duration, default.mixtures.sample_rate) == (10, 32000)
    assert (default.mixtures.events, default.mixtures.event_duration) == ((1, 3), (0.25, 4.2))
    assert (default.mixtures.snr, default.mixtures.max_polyphony) == ((15, 25), 2)
    assert (default.training.learning_rate, default.training.batch_size) == (1e-3, 16)
    assert (default.training.max_epochs, default.training.patience) == (100, 10)
    assert detectors.checked(detectors.find("ig_captum"), {})["n_steps"] == 50
    assert default.evaluation.percentiles == (1, 99)
    assert len(default.training.seeds) == 3


def test_later_files_are_merged_key_by_key(base, tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text("experiment: own\nmixtures:\n  clips: {test: 7}\ndetectors: [random, ig]\n")
    merged = load(base, own)
    assert merged.experiment == "own"
    assert merged.mixtures.clips.model_dump() == {"train": 4, "validation": 2, "test": 7}
    assert merged.detector_names == ["random", "ig"]


def test_further_files_must_name_an_experiment(refused):
    """Else they would overwrite the results of the default one."""
    message = refused("mixtures:\n  clips: {test: 7}\n")
    assert "own.yaml: names no experiment, so its results would replace those of" in message
    assert "Add a line such as experiment: my_name" in message


MISUSES = {
    "misspelt key": ("experimnt: x", 1, "experimnt", "did you mean 'experiment'"),
    "unknown key": ("\ncolour: red", 2, "colour", "unknown key. Correct or remove it"),
    "misspelt nested key": (
        "mixtures:\n  event_duraton: [1, 2]",
        2,
        "mixtures.event_duraton",
        "did you mean 'event_duration'",
    ),
    "misspelt twice nested key": ("mixtures:\n  clips:\n    tset: 4", 3, "mixtures.clips.tset", "did you mean 'test'"),
    "misspelt setting of a detector": (
        "detectors:\n  - ig\n  - name: mine\n    method: ig\n    n_stepz: 3",
        5,
        "detectors.1.n_stepz",
        "no setting of ig (did you mean 'n_steps'?); its settings: baseline, domain, sign, percentile, draws, n_steps, "
        "tolerance, max_steps.",
    ),
    "impossible setting of a detector": ("detectors: [{name: ig, n_steps: 0}]", 1, "detectors.0.n_steps", "(given: 0)"),
    "key that is a number": ("mixtures:\n  1: 2", 2, "mixtures.1", "strings"),
    "wrong type": ("mixtures:\n  duration: long", 2, "mixtures.duration", "valid integer, unable to parse string"),
    "part of a number": ("mixtures:\n  clips: {test: 2.5}", 2, "mixtures.clips.test", "integer"),
    "no section": ("mixtures:", 1, "mixtures", "must be a section with keys of its own: clips, keep, duration"),
    "list for a section": ("training: [0, 1]", 1, "training", "must be a section with keys of its own: seeds"),
    "no clips": ("mixtures:\n  clips: {train: 0}", 2, "mixtures.clips.train", "greater than or equal to 1"),
    "unknown class": ("labels: [Dog, Cow]", 1, "labels.1", "'Vacuum_cleaner' (given: 'Cow')"),
    "no class": ("labels: []", 1, "labels", "at least 1"),
    "events longer than clips": (
        "mixtures:\n  event_duration: [0.25, 12]",
        2,
        "mixtures.event_duration",
        "lower event_duration or raise duration",
    ),
    "kept though none is left out": (
        "mixtures:\n  keep: {train: 1, validation: 1, test: 1}",
        2,
        "mixtures.keep",
        "needs on_overlap: remove",
    ),
    "test clips that are no whole bases": (
        "mixtures:\n  conditions: {snr: [0, 5], events: [1, 2]}\n  clips: {test: 6}",
        3,
        "mixtures.clips.test",
        "6 is no multiple of the 4 variants that conditions make of each base clip (2 snr × 2 events); write 8",
    ),
    "a condition twice": (
        "mixtures:\n  conditions: {snr: [5, 5.0], events: [1]}",
        2,
        "mixtures.conditions.snr",
        "occurs twice; remove the repetition",
    ),
    "more kept than drawn": (
        "mixtures:\n  on_overlap: remove\n  keep: {train: 1, validation: 1, test: 99}",
        3,
        "mixtures.keep.test",
        "99 is more than the",
    ),
    "fewer pieces than at first": (
        "detectors:\n- {name: ig, n_steps: 512}",
        2,
        "detectors.0.max_steps",
        "256 is below n_steps, 512; raise it",
    ),
    "clips shorter than events": ("mixtures:\n  duration: 3", 1, "mixtures.event_duration", "raise duration"),
    "events too short to fade": ("mixtures:\n  event_duration: [0.001, 1]", 2, "mixtures.event_duration.0", "0.02"),
    "range upside down": ("mixtures:\n  snr: [25, 15]", 2, "mixtures.snr", "write the lower one first"),
    "range without end": ("mixtures:\n  snr: [15, .inf]", 2, "mixtures.snr.1", "finite number"),
    "range of one": ("mixtures:\n  snr: [15]", 2, "mixtures.snr.1", "missing"),
    "rate without whole frames": ("mixtures:\n  sample_rate: 11025", 2, "mixtures.sample_rate", "multiple of 10"),
    "unknown choice": ("mixtures:\n  on_overlap: ignore", 2, "mixtures.on_overlap", "'replace' or 'remove'"),
    "unknown network": (
        "backbone: {name: vgg}",
        1,
        "backbone.name",
        "Use one of cnn14, yamnet, or package.module:name",
    ),
    "folder without path": (
        "soundbank:\n  kind: folder",
        1,
        "soundbank.path",
        "missing. Add this key: the folder that",
    ),
    "key of another kind": (
        "soundbank:\n  kind: folder\n  path: x\n  table: y",
        4,
        "soundbank.table",
        "unknown key of this soundbank (its keys: kind, validation_share, path)",
    ),
    "misspelt key of a kind": (
        "soundbank:\n  backgroundz: {}",
        2,
        "soundbank.backgroundz",
        "did you mean 'backgrounds'",
    ),
    "unknown kind": ("soundbank:\n  kind: foldr", 2, "soundbank.kind", "did you mean 'folder'"),
    "no kind": ("recordings: {}", 1, "recordings.kind", "missing. Add this key"),
    "kind of another family": (
        "soundbank:\n  kind: igsed.backbones.yamnet:NETWORK",
        2,
        "soundbank.kind",
        "is a Network, no igsed.soundbanks.Kind",
    ),
    "kind that cannot be imported": ("soundbank:\n  kind: '.a:b'", 2, "soundbank.kind", "Correct the name"),
    "plain text for a choice": ("recordings: folder", 1, "recordings", "must be a section with keys of its own: kind"),
    "seed twice": ("training:\n  seeds: [0, 1, 0]", 2, "training.seeds", "names a seed twice; remove"),
    "negative seed": ("training:\n  seeds: [0, -1]", 2, "training.seeds.1", "greater than or equal to 0"),
    "unknown detector": ("detectors: [ig, fw_sw]", 1, "detectors.1.method", "'fw_sw' is unknown (did you mean 'fw_"),
    "detector twice": ("detectors: [ig, ig]", 1, "detectors", "occurs twice; remove"),
    "shared percentile of none": (
        "detectors: [random]\nevaluation:\n  shared_from: ig",
        3,
        "evaluation.shared_from",
        "choose one of them or add it",
    ),
    "built-in name taken": (
        "detectors: [ig, {name: energy, method: ig}]",
        1,
        "detectors.1.name",
        "choose another name",
    ),
    "name of a detector": ("detectors: [{name: My, method: ig}]", 1, "detectors.0.name", "should match"),
    "no detector": ("detectors: [5]", 1, "detectors.0", "must be a section with keys of its own: name, method"),
    "unknown module": (
        "detectors:\n- ig\n- name: mine\n  method: no_such_module.sub:call",
        4,
        "detectors.1.method",
        "there is no module 'no_such_module.sub'. Install it",
    ),
    "percentiles upside down": (
        "evaluation:\n  percentiles: [90, 10]",
        2,
        "evaluation.percentiles",
        "swap them",
    ),
    "name that is a path": ("experiment: ../up", 1, "experiment", "should match"),
}


@pytest.mark.parametrize(("text", "line", "key", "remedy"), MISUSES.values(), ids=MISUSES)
def test_misuse_names_file_line_key_and_remedy(refused, text, line, key, remedy):
    message = refused(text)
    assert f"own.yaml, line {line}, {key}: " in message
    assert remedy in message
    assert "pydantic" not in message


def test_missing_key_is_named(base):
    base.write_text(BASE.replace("seed: 1\n", ""))
    with pytest.raises(InputError, match=r"seed: missing. Add this key"):
        load(base)


def test_all_problems_are_told_at_once(refused):
    message = refused("colour: red\ntraining:\n  patience: 0\nmixtures:\n  snr: [9, 1]")
    assert [line.split(": ")[0] for line in message.splitlines()[1:]] == [
        "  - own.yaml, line 5, mixtures.snr",
        "  - own.yaml, line 3, training.patience",
        "  - own.yaml, line 1, colour",
    ]


def test_the_file_that_sets_the_wrong_value_is_named(base, tmp_path):
    base.write_text(BASE + "training:\n  patience: 0\n")
    own = tmp_path / "own.yaml"
    own.write_text("training:\n  batch_size: 8\n")
    with pytest.raises(InputError) as caught:
        load(base, own)
    assert f"{base}, line 8, training.patience: " in str(caught.value)


def test_an_entry_of_a_list_is_found_in_the_file_whose_list_is_used(base, tmp_path):
    """Also where an earlier file's list, which is replaced, has a mapping with the wrong key at its place."""
    lines = ["detectors:", "  - ig", "  - {name: quiet, method: ig}", "  - random"]
    base.write_text(BASE + "\n".join(lines) + "\n")
    own = tmp_path / "own.yaml"
    own.write_text("detectors:\n  - ig\n  - gradient_inpt\n  - random\n")
    with pytest.raises(InputError) as caught:
        load(base, own)
    assert f"{own}, line 3, detectors.1.method: 'gradient_inpt' is unknown" in str(caught.value)


def test_message_without_files_still_names_the_key():
    with pytest.raises(InputError, match=r"- mixtures\.clips: missing"):
        config.load(yaml.safe_load(BASE) | {"mixtures": {}})


def test_unreadable_files_do_not_hide_the_problem(tmp_path):
    broken = tmp_path / "broken.yaml"
    broken.write_bytes(b"\xff{")
    with pytest.raises(InputError, match="experiment: missing"):
        config.load({}, [broken, tmp_path / "absent.yaml", tmp_path])


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("papr.yaml", None, "papr.yaml: there is no such file (did you mean config/paper.yaml?). Correct the name."),
        ("config/mien.yaml", None, "(did you mean config/mine.yaml?)"),
        ("xyz.yaml", None, "there are config/mine.yaml, config/paper.yaml."),
        ("config", None, "config: is a folder. Name a file; it has config/mine.yaml, config/paper.yaml."),
        ("config/mine.yaml/x.yaml", None, "x.yaml: cannot be read (Not a directory)."),
        ("config.yaml", None, "Start in the folder of the checkout"),
        ("void.yaml", b" \n", "void.yaml: is empty. Write keys into it, such as experiment: my_name"),
        ("list.yaml", b"- 1", "list.yaml: holds no keys. Expected YAML"),
        ("open.yaml", b"a: [", "open.yaml: cannot be read as YAML ("),
        ("sound.yaml", b"\xff\xfe\x00", "sound.yaml: is no configuration ("),
        ("long.yaml", b"#" * 300_000, "long.yaml: is no configuration (more than 200000 bytes)."),
    ],
)
def test_a_file_that_is_no_configuration_is_told_with_a_remedy(tmp_path, monkeypatch, name, content, told):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    for known in ("mine", "paper"):
        (tmp_path / "config" / f"{known}.yaml").write_text(BASE)
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as caught:
        config.merge([name])
    assert told in str(caught.value)
    assert "Errno" not in str(caught.value)


def test_labels_follow_the_order_of_desed(base):
    base.write_text(BASE + "labels: [Speech, Cat, Dog]\n")
    assert load(base).classes == ["Cat", "Dog", "Speech"]


def test_folder_has_the_classes_of_either_part(base, tmp_path):
    for part, label in (("train", "Speech"), ("eval", "Cat"), ("eval", "Unheard_of")):
        (tmp_path / "bank" / "audio" / part / "soundbank" / "foreground" / label).mkdir(parents=True)
    base.write_text(BASE.replace("kind: procedural", f"kind: folder\n  path: {tmp_path / 'bank'}"))
    assert load(base).classes == ["Cat", "Speech"]


def test_detectors_are_names_or_mappings_with_settings(base):
    base.write_text(
        BASE
        + "detectors:\n- {name: mine, method: 'json:dumps', indent: 2}\n- {name: ig, n_steps: 7, tolerance: null}\n"
        "- {name: coarse, method: ig, n_steps: 2}\n- random\n"
    )
    loaded = load(base)
    assert loaded.detector_names == ["mine", "ig", "coarse", "random"]
    assert list(loaded.detectors_of("classifier")) == ["mine", "ig", "coarse"]
    mine, exact, coarse, _ = loaded.detectors
    assert mine.settings == {"indent": 2}
    assert exact.settings == {
        **{"baseline": "silence", "domain": "waveform", "sign": "absolute", "percentile": 10.0, "draws": 4},
        **{"n_steps": 7, "tolerance": None, "max_steps": 256},
    }
    assert (coarse.method, coarse.settings["n_steps"]) == ("ig", 2)
    assert coarse.modules == ["igsed.attribution.ig", "igsed.detectors.ig"]
    assert config.load(loaded.model_dump(mode="json")).detectors == loaded.detectors


def test_detectors_without_model_have_seed_zero_only(base):
    base.write_text(BASE + "training: {seeds: [3, 5]}\n")
    loaded = load(base)
    assert (loaded.seeds_of("random"), loaded.seeds_of("energy"), loaded.seeds_of("ig")) == ([0], [0], [3, 5])


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(0, 50), st.floats(), st.text(max_size=8), st.dates()
)
names = st.sampled_from(
    [
        "mixtures",
        "clips",
        "train",
        "seeds",
        "kind",
        "path",
        "detectors",
        "name",
        "method",
        "n_steps",
        "labels",
        "snr",
    ]
)
keys = st.one_of(names, st.text(max_size=5), st.integers(), st.none(), st.booleans())
nested = st.recursive(
    scalars | st.sampled_from(["Dog", "folder", "ig", "math:sqrt", "a..b:c", "__main__:x", "sys:exit", "os.path:join"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, max_examples=150)
@given(st.dictionaries(keys, nested, max_size=6))
def test_any_mapping_is_accepted_or_refused_with_a_message(values):
    with pytest.raises(InputError):
        config.load(values)


@settings(deadline=None, max_examples=250)
@given(st.data())
def test_any_change_of_a_valid_configuration_is_accepted_or_refused_with_a_message(data):
    values = VALID.model_dump(mode="json")
    values["detectors"] = ["ig", {"name": "mine", "method": "json:dumps", "indent": 2}]
    place = values
    while isinstance(place, dict) and place and data.draw(st.booleans()):
        key = data.draw(st.sampled_from(sorted(place)))
        if not isinstance(place[key], dict):
            break
        place = place[key]
    place[data.draw(st.sampled_from(sorted(place)) | keys if place else keys)] = data.draw(nested)
    before = copy.deepcopy(values)
    loaded, message = None, ""
    try:
        loaded = config.load(values)
    except InputError as error:
        message = str(error)
    if loaded is None:
        assert "\n  - " in message or "there is no module" in message
    else:
        assert loaded.mixtures.event_duration[1] <= loaded.mixtures.duration
        assert all(map(math.isfinite, loaded.mixtures.snr))
    assert repr(values) == repr(before)


VALID = config.load(yaml.safe_load(BASE))
