"""Configurations of strangers: nothing in them runs, and nothing in them fills memory or time."""

import tempfile
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from igsed import config
from igsed.__main__ import main
from igsed.errors import InputError
from tests.hostile.mutations import bounded, check_message, damaged, value_or_refusal

ROOT = Path(__file__).parents[2]
BASE = ROOT / "config.yaml"
WHOLE = yaml.safe_dump(config.load(config.merge([BASE])).model_dump(mode="json"), sort_keys=False)

VALUES = (
    *("!!python/name:os.system", "!!python/object/new:os.system [x]", "!!int abc", "!!int ''", "!!timestamp x"),
    *("!!bool x", "!!binary '*'", "!!float x", "2020-99-99", "2001-01-01", "0x_", "0b_", "1e999", ".nan", "-.inf"),
    *("0x" + "f" * 6000, "9" * 5000, "9" * 30, "190:20:30.15", "~", "yes", "!!set {a, b}", "!!omap [a: 1]", "&a [*a]"),
    *("&a {b: *a}", "*nope", "[[[1]]]", '"\\0"', '"\\ud800"', '"\\e[2J"', "'a:b'", "'.:x'", "'a/../b:c'", "../x", "{}"),
)


def written(folder, text):
    path = Path(folder, "own.yaml")
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def checked(path, base=BASE):
    """All that a run asks a configuration for before it does anything."""
    files = [base, path] if base else [path]
    experiment = config.load(config.merge(files), files)
    yaml.safe_dump(experiment.model_dump(mode="json"))
    assert experiment.downloads is not None
    assert experiment.detector_names
    return experiment


def refused(path, *parts):
    with pytest.raises(InputError) as caught:
        checked(path)
    message = str(caught.value)
    check_message(message)
    assert [part for part in parts if part not in message] == []
    return message


@st.composite
def odd_values(draw):
    """The whole configuration with some of its lines replaced or doubled."""
    lines = WHOLE.split("\n")[:-1]
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(lines) - 1))
        key, colon, _ = lines[place].partition(":")
        value = draw(st.sampled_from(VALUES))
        if draw(st.booleans()):
            lines[place] = f"{key}: {value}" if colon else f"{key.rstrip('0123456789')}{value}"
        else:
            lines.insert(place, draw(st.sampled_from([lines[draw(st.integers(0, len(lines) - 1))], f"{value}: 1"])))
    return "\n".join(lines).encode()


@given(odd_values() | damaged(WHOLE.encode()), st.booleans())
@settings(deadline=None, max_examples=120)
def test_a_configuration_is_used_or_refused(text, alone):
    with tempfile.TemporaryDirectory() as folder:
        value_or_refusal(checked, written(folder, text), None if alone else BASE)


@pytest.mark.parametrize(
    "value",
    [
        "!!python/object/apply:os.system ['touch {}']",
        "!!python/object/apply:subprocess.check_call [[touch, '{}']]",
        "!!python/object/new:os.system ['touch {}']",
        "!!python/object/apply:eval [\"open('{}', 'w')\"]",
    ],
)
def test_no_tag_runs_code(tmp_path, value):
    mark = tmp_path / "ran"
    refused(written(tmp_path, f"experiment: {value.format(mark)}"), "own.yaml", "python")
    assert not mark.exists()


def test_the_check_refuses_what_snakemake_would_evaluate(tmp_path, monkeypatch, capsys):
    """`__use_yte__: true` makes Snakemake, which reads configurations itself, run the Python in values."""
    monkeypatch.chdir(ROOT)
    mark = tmp_path / "ran"
    text = f"__use_yte__: true\nexperiment: ?__import__('pathlib').Path('{mark}').touch() or 'a'"
    assert main(["check", str(written(tmp_path, text))]) == 1
    assert "line 1, __use_yte__: unknown key" in capsys.readouterr().err
    assert not mark.exists()


def test_naming_a_method_does_not_run_its_module(tmp_path, monkeypatch):
    mark = tmp_path / "ran"
    (tmp_path / "stranger.py").write_text(f"open({str(mark)!r}, 'w')\ndef method(*_): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    checked(written(tmp_path, "experiment: x\ndetectors: [ig, {name: own, method: 'stranger:method'}]"))
    assert not mark.exists()


LAUGHS = "a0: &a0 [lol, lol]\n" + "".join(f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]\n" for k in range(1, 30))


@pytest.mark.parametrize(
    "text",
    [
        LAUGHS + "seed: *a29",
        LAUGHS + "experiment: *a4",
        LAUGHS + "detectors: [{name: own, method: 'json:dumps', x: *a29}]",
        "seed: &a [*a]",
        "soundbank: &a {recordings: *a}",
        "&a {*a : 1}",
        "seed: " + "[" * 1000,
        "seed: " + "[" * 400 + "]" * 400,
        "{a: " * 400,
        "seed: 0x" + "f" * 6000,
        "training: {seeds: [0x" + "f" * 6000 + "]}",
        "x: " + "y" * 3_000_000,
        "\n".join(f"key{k}: 1" for k in range(3000)),
        "labels: [" + ", ".join(["x"] * 5000) + "]",
    ],
    ids=lambda text: text[:12] + text[-12:],
)
def test_nothing_grows_without_bounds(tmp_path, text):
    with bounded(seconds=20, megabytes=100 if LAUGHS in text else None):
        refused(written(tmp_path, text))


def test_what_snakemake_has_read_is_bounded_too(tmp_path):
    for text in (LAUGHS + "seed: *a29", "soundbank: &a {recordings: *a}", "training: {seeds: [0x" + "f" * 6000 + "]}"):
        path = written(tmp_path, text)
        with bounded(seconds=20), pytest.raises(InputError) as caught:
            config.load(config.merge([BASE]) | yaml.safe_load(path.read_text()), [BASE, path])
        check_message(str(caught.value))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("seed: 1\nseed: 2", "own.yaml, line 2, seed: stands in line 1 too"),
        ("mixtures:\n  shard: 1\n  snr: [1, 2]\n  shard: 2", "own.yaml, line 4, shard: stands in line 2 too"),
        ("figures: {examples: 1, examples: 2}", "own.yaml, line 1, examples: stands in line 1 too"),
    ],
)
def test_a_key_that_stands_twice_is_told(tmp_path, text, told):
    refused(written(tmp_path, text), told)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('recordings: {kind: folder, audio: "a\\0b", annotations: x}', "recordings.audio: holds the character NUL"),
        ("detectors: [{name: own, method: 'json:dumps', x: 2001-01-01}]", "is of the type date"),
        ("seed: 123456789012345678901234567890", "seed: 123456789012345678901234567890 is too large"),
        (f"experiment: {'a' * 101}", "line 1, experiment: String should match"),
    ],
)
def test_what_no_key_takes_is_told(tmp_path, text, told):
    refused(written(tmp_path, text), told)


@given(st.text(max_size=120) | st.from_regex(r"[\w./-]*", fullmatch=True))
@settings(deadline=None, max_examples=200)
def test_names_stay_within_their_folder(name):
    """Experiments and detectors give folders their names."""
    values = config.merge([BASE])
    for override in ({"experiment": name}, {"detectors": ["ig", {"name": name, "method": "json:dumps"}]}):
        try:
            config.Config.model_validate(values | override)
        except ValueError:
            continue
        place = Path("/results", name)
        assert place.parent == Path("/results")
        assert place.resolve().parent == Path("/results")
        assert len(name.encode()) <= 100


@pytest.mark.parametrize("content", [None, b"", b"a,b\n1,2\n", b"label\n\xff\n", b"label\n" + b"x" * 200_000])
def test_a_table_of_packages_that_is_none_is_told(tmp_path, content):
    table = tmp_path / "table.csv"
    if content is not None:
        table.write_bytes(content)
    experiment = checked(written(tmp_path, f"experiment: x\nsoundbank: {{kind: debian, table: '{table}'}}"))
    assert value_or_refusal(lambda: experiment.classes) in (None, [])
