"""What is told before a run: every problem at once, and nothing that a job would not refuse."""

import shutil
import tempfile
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from igsed import audio, config, mixtures, preflight
from igsed.__main__ import main
from igsed.errors import InputError
from igsed.soundbanks import debian, soundbank
from tests import desed_archive
from tests.toys import recording

ROOT = Path(__file__).parents[1]
BASE = yaml.safe_load((ROOT / "config.yaml").read_text())
CONTENT = "content that is no sound"
PARTS = {"train": ("1_0", "1_1", "2_0", "3"), "eval": ("4_0",)}


def experiment(**sections):
    return config.load(BASE | {"sources": str(ROOT / "config" / "sources.csv")} | sections)


def bank(root, labels=("Cat", "Dog"), parts=PARTS):
    """A soundbank of files that are no sounds."""
    for part, names in parts.items():
        for folder in (*(f"foreground/{label}" for label in labels), "background/room"):
            here = root / "audio" / part / "soundbank" / folder
            here.mkdir(parents=True)
            for name in names:
                (here / f"{name}.wav").write_text(CONTENT)
    return root


def problems_of(root, resources="nowhere", **sections):
    soundbank_section = {"kind": "folder", "path": str(root)}
    return preflight.problems(experiment(soundbank=soundbank_section, **sections), resources)


@pytest.fixture
def folder(tmp_path):
    return bank(tmp_path / "bank")


def keep(folder, *names):
    for path in folder.glob("*.wav"):
        if path.stem not in names:
            path.unlink()


def test_a_folder_of_a_thousand_files_passes_without_a_sound_being_read(tmp_path, monkeypatch):
    for function in ("read", "header"):
        monkeypatch.setattr(audio, function, lambda *_: pytest.fail("a sound is opened"))
    names = tuple(f"{k}_{j}" for k in range(100) for j in range(2))
    assert problems_of(bank(tmp_path / "bank", parts={"train": names, "eval": names})) == []


def test_every_problem_of_a_folder_is_told_with_its_place_and_remedy(folder):
    train, test = (folder / "audio" / part / "soundbank" for part in PARTS)
    keep(train / "foreground" / "Cat", "1_0", "1_1")
    keep(test / "foreground" / "Dog")
    keep(train / "background" / "room", "3")
    assert problems_of(folder) == [
        f"{test}/foreground/Dog: no recording of Dog for the test split. Add at least one sound file, or leave Dog out "
        "of the key `labels`.",
        f"{train}/foreground/Cat: all recordings of Cat (2) come from one source, so training and validation cannot "
        "draw from different ones. Add a recording from another source, or leave Cat out of the key `labels`.",
        f"{train}/background/room: all background recordings (1) come from one source, so training and validation "
        "cannot draw from different ones. Add a recording from another source.",
    ]


@pytest.mark.parametrize("split", ["train", "eval"])
def test_a_class_that_cannot_be_placed_in_a_split_is_told(folder, split):
    here = folder / "audio" / split / "soundbank" / "foreground" / "Dog"
    here.rename(here.with_name("Dog_nOn_nOff"))
    told = problems_of(folder)
    assert [text.partition(" has only ")[0] for text in told] == [
        f"mixtures.missing_edges: of Dog the {name} split"
        for name in (["test"] if split == "eval" else ["train", "validation"])
    ]
    assert problems_of(folder, mixtures=BASE["mixtures"] | {"missing_edges": "cut"}) == []
    # Events may be as long as clips, so the recordings' lengths decide.
    spanning = BASE["mixtures"] | {"duration": 5, "event_duration": [0.25, 5.0]}
    for seconds, fits in ((4.9, False), (5.0, True)):
        for path in here.with_name("Dog_nOn_nOff").glob("*.wav"):
            recording(path, seconds=seconds, rate=8000)
        assert (problems_of(folder, mixtures=spanning) == []) == fits


files = st.lists(st.sampled_from(["1_0", "1_1", "2_0", "20001_0", "20001_1", "30003"]), unique=True, max_size=4)
parts = st.fixed_dictionaries(dict.fromkeys(PARTS, files))


@settings(max_examples=40, deadline=None)
@given(
    st.fixed_dictionaries(dict.fromkeys(("foreground/Dog", "foreground/Cat_nOn_nOff", "background/room"), parts)),
    st.sampled_from(["outside", "cut"]),
    st.floats(0.1, 0.9),
)
def test_what_the_jobs_refuse_is_refused_and_nothing_else(chosen, edges, share):
    """Where every file can be read, and no two are equal."""
    with tempfile.TemporaryDirectory() as root:
        for seed, (name, part, stem) in enumerate(
            (n, p, s) for n, both in chosen.items() for p in both for s in both[p]
        ):
            path = Path(root, "audio", part, "soundbank", name, f"{stem}.wav")
            recording(path, seconds=0.025, rate=8000, seed=seed)
        section = {"kind": "folder", "path": root, "validation_share": share}
        chosen = experiment(soundbank=section, mixtures=BASE["mixtures"] | {"missing_edges": edges})
        told = preflight.problems(chosen)
        protocol = chosen.mixtures.protocol
        try:
            table = soundbank.index(root, chosen.classes, share)
            for split in ("train", "validation", "test"):
                mixtures.draw(
                    *soundbank.pools(table, split), protocol._replace(event_duration=(0.02, 0.02)), 1, split, 0
                )
        except InputError as error:
            refused = error.messages
        else:
            refused = ()
        assert set(refused) <= set(told)
        assert bool(refused) == bool(told)


ROW = dict.fromkeys(debian.OPTIONAL, "") | {"package": "some", "licence": "CC0"}


def listed(path, *rows):
    """A table of recordings in packages; a row is label, split and series."""
    cells = [
        ROW | {"label": label, "split": split, "series": series, "path": f"/{k}.wav", "sha256": f"{k:064x}"}
        for k, (label, split, series) in enumerate(rows)
    ]
    columns = debian.REQUIRED + debian.OPTIONAL
    path.write_text("\n".join([",".join(columns), *(",".join(row[c] for c in columns) for row in cells)]) + "\n")
    return path


def test_a_table_of_packages_is_checked_before_anything_is_fetched(tmp_path):
    background = [
        ("background/hall", "train", "a"),
        ("background/hall", "train", "b"),
        ("background/hall", "eval", "c"),
    ]
    dogs = [("Dog", "train", "d"), ("Dog", "train", "e"), ("Dog", "eval", "f")]
    one = [("Cat", "train", "g"), ("Cat", "train", "g"), ("Speech", "train", "h"), ("Speech", "train", "i")]
    path = listed(tmp_path / "mine.csv", *background, *dogs, *one)
    told = preflight.problems(experiment(soundbank={"kind": "debian", "table": str(path)}))
    assert told == [
        f"{path}: no recording of Cat for the test split. Add at least one row of this label with split eval, or leave "
        "Cat out of the key `labels`.",
        f"{path}: no recording of Speech for the test split. Add at least one row of this label with split eval, or "
        "leave Speech out of the key `labels`.",
        f"{path}: all recordings of Cat (2) come from one source, so training and validation cannot draw from "
        "different ones. Add a recording from another source, or leave Cat out of the key `labels`.",
    ]
    listed(path, *background, *dogs)
    assert preflight.problems(experiment(soundbank={"kind": "debian", "table": str(path)})) == []
    listed(path, *dogs)
    (training, test) = preflight.problems(experiment(soundbank={"kind": "debian", "table": str(path)}))
    assert training.startswith(f"{path}: no background recording for training and validation. Add at least one row")
    assert "for the test split" in test
    listed(path, *background)
    (told,) = preflight.problems(experiment(soundbank={"kind": "debian", "table": str(path)}))
    assert "names no recording of a class" in told


def test_sources_in_the_table_are_those_of_the_files_made_of_it(tmp_path):
    """Names as `debian.fetch` writes them, read as `soundbank` reads them."""
    path = listed(
        tmp_path / "mine.csv", ("Dog", "train", "7"), ("Dog", "eval", "bark-2"), ("background/x", "eval", "y")
    )
    found = debian.promised(path, ["Dog"], preflight.Problems())
    assert [r.source for r in found] == [f"{r.label}/{soundbank.base(r.path.stem)}" for r in found]
    assert [r.source for r in found] == ["Dog/some_7", "Dog/some_bark-2", "x/some_y"]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    return desed_archive.unpacked(tmp_path_factory.mktemp("resources") / "sources", ["Dog", "Frying"])


@pytest.fixture
def resources(unpacked, tmp_path):
    for name, folder in unpacked.items():
        shutil.copytree(folder, tmp_path / "resources" / "sources" / name)
    return tmp_path / "resources"


def desed_problems(resources, **changes):
    section = {"kind": "desed", "validation": "official"} | changes
    mixed = BASE["mixtures"] | {"missing_edges": "cut"}
    return preflight.problems(experiment(labels=["Dog", "Frying"], soundbank=section, mixtures=mixed), resources)


def test_desed_is_checked_as_far_as_it_is_there(resources):
    assert desed_problems(resources) == []
    bank = resources / "sources" / "desed_soundbank"
    (root,) = (path.parents[2] for path in bank.rglob("train/soundbank") if path.is_dir())
    dogs = root / "audio" / "train" / "soundbank" / "foreground"
    for folder in (root / "audio" / "eval" / "soundbank" / "foreground").glob("Frying*"):
        shutil.rmtree(folder)
    keep(dogs / "Dog", min(path.stem for path in (dogs / "Dog").glob("[!.]*.wav")))
    (resources / "sources" / "sins").rename(resources / "sins")
    told = desed_problems(resources, validation="share")
    assert "no recording of Frying for the test split" in told[0]
    assert any("all recordings of Dog (1) come from one source" in text for text in told)
    shutil.rmtree(resources / "sources" / "desed_soundbank")
    assert desed_problems(resources) == []


def test_an_official_list_that_names_none_or_is_missing_is_told(resources):
    listed = resources / "sources" / "desed_soundbank" / "soundbank_validation.tsv"
    listed.write_text("filepath\naudio/validation/soundbank/foreground/Dog/1.wav\n")
    assert [text for text in desed_problems(resources) if "none of them is in the soundbank" in text]
    listed.unlink()
    assert desed_problems(resources) == [
        f"{listed}: there is no such file. Restore it, or set the key soundbank.validation to share."
    ]


@pytest.fixture
def real(tmp_path):
    """Two real recordings, their annotation and an overlap list; the section that names them."""
    (tmp_path / "real").mkdir()
    for name in ("a.wav", "b.wav"):
        (tmp_path / "real" / name).write_text(CONTENT)
    section = {"kind": "folder", "audio": "real", "annotations": "truth.tsv", "overlap": "seen.txt"}
    section |= {key: str(tmp_path / name) for key, name in section.items() if key != "kind"}
    annotate(section, "a.wav", "Dog")
    Path(section["overlap"]).write_text("b\n")
    return section


def annotate(section, name, label):
    lines = ["filename\tonset\toffset\tevent_label", f"{name}\t0.5\t1.0\t{label}", "b.wav\t\t\t"]
    Path(section["annotations"]).write_text("\n".join(lines) + "\n")


def test_real_recordings_that_belong_together_pass(real):
    assert preflight.problems(experiment(recordings=real)) == []


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda s: Path(s["annotations"]).unlink(), ["truth.tsv: there is no such file. Correct the key"]),
        (lambda s: Path(s["overlap"]).unlink(), ["seen.txt: there is no such file. Correct the key"]),
        (lambda s: shutil.rmtree(s["audio"]), ["real: there is no such folder."]),
        (lambda s: annotate(s, "a.wav", "Meow"), ["truth.tsv: no recording in", "(labels found: Meow)"]),
        (lambda s: [Path(s["audio"], f"{n}.wav").rename(Path(s["audio"], f"{n}{n}.wav")) for n in "ab"],
         ["real: holds none of the 2 annotated recordings"]),
        (lambda s: Path(s["overlap"]).write_text("c\n"), ["seen.txt: none of its 1 lines names one of the 2"]),
        (lambda s: Path(s["overlap"]).write_text("# none\n"), ["seen.txt: names no recording."]),
    ],
    ids=["no annotation", "no list", "no folder", "no known label", "no pair", "list of others", "empty list"],
)  # fmt: skip
def test_real_recordings_that_do_not_belong_together_are_told(real, damage, told):
    damage(real)
    (only,) = preflight.problems(experiment(recordings=real))
    assert all(text in only for text in told)


def test_all_problems_of_different_inputs_are_told_at_once(real, tmp_path, monkeypatch, capsys):
    """As `igsed check` tells them, with an exit status of 1."""
    Path(real["annotations"]).unlink()
    Path(real["overlap"]).unlink()
    monkeypatch.chdir(tmp_path)
    mine = {"experiment": "mine", "sources": "no_sources.csv", "recordings": real}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(mine | {"soundbank": {"kind": "debian", "table": "no.csv"}}))
    shutil.copy(ROOT / "config.yaml", tmp_path)
    assert main(["check", "mine.yaml"]) == 1
    head, *lines = capsys.readouterr().err.splitlines()
    assert head == "ERROR: this cannot run:"
    assert lines == [
        "  - no_sources.csv: there is no such file. Correct the key sources, or restore the file.",
        "  - no.csv: there is no such file. Correct the key soundbank.table.",
        f"  - {real['overlap']}: there is no such file. Correct the key recordings.overlap.",
        f"  - {real['annotations']}: there is no such file. Correct the key recordings.annotations.",
    ]


def test_one_problem_is_told_once(real):
    """Without the soundbank's table the classes are not known, and no fault of the recordings."""
    told = preflight.problems(experiment(soundbank={"kind": "debian", "table": "no.csv"}, recordings=real))
    assert told == ["no.csv: there is no such file. Correct the key soundbank.table."]


def test_scores_from_a_folder_that_is_not_there_are_told(tmp_path):
    given = [{"name": "theirs", "method": "scores", "path": str(tmp_path / "absent")}, "ig"]
    (told,) = preflight.problems(experiment(detectors=given))
    assert told.startswith(f"{tmp_path}/absent: there is no such folder, and the detector theirs takes its scores")
    (tmp_path / "absent").mkdir()
    assert preflight.problems(experiment(detectors=given)) == []


def test_a_source_that_the_table_lacks_is_told(tmp_path):
    path = tmp_path / "sources.csv"
    lines = (ROOT / "config" / "sources.csv").read_text().splitlines()
    path.write_text("\n".join(line for line in lines if not line.startswith(("sins", "tut"))) + "\n")
    told = preflight.problems(experiment(sources=str(path), soundbank={"kind": "desed"}), tmp_path)
    assert [text.partition(". ")[0] for text in told] == [
        f"{path}: has no source {name!r}" for name in ("sins", "tut_scenes_2017")
    ]


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.yaml")), ids=lambda path: path.stem)
def test_experiments_of_the_repository_pass(path, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    chosen = config.load(config.merge(["config.yaml", path]))
    if chosen.soundbank.kind == "folder" and not Path(chosen.soundbank.path).exists():
        pytest.skip(f"no {chosen.soundbank.path}")
    assert preflight.problems(chosen, tmp_path) == []
