"""`igsed list`: every component with what an experiment needs to know of it."""

import importlib
import subprocess
import sys

import pytest

from igsed import components, listing
from igsed.__main__ import main
from igsed.components import imported
from igsed.detectors import DETECTORS, OfClassifier


def exists(word):
    module, _, name = listing.FAMILIES[word].partition(":")
    return hasattr(importlib.import_module(module), name)


@pytest.mark.parametrize("word", listing.FAMILIES)
@pytest.mark.parametrize("width", [60, 100])
def test_every_component_is_listed_with_all_that_it_says(word, width):
    if not exists(word):
        pytest.skip("this family does not declare itself yet")
    text = listing.text(word, width)
    if width == 100:
        assert max(map(len, text.splitlines())) <= width
    words = " ".join(text.split())
    for component in imported(listing.FAMILIES[word]).built_in.values():
        for part in (component.name, component.title, component.citation, *component.settings.model_fields):
            assert " ".join(part.split()) in words


def test_the_lines_of_a_detector():
    lines = listing.text("detectors", 100).splitlines()
    assert lines[0].split() == ["name", "title", "needs", "source"]
    start = next(k for k, line in enumerate(lines) if line.startswith("ig "))
    assert lines[start].split() == ["ig", "IG", "classifier", "igsed.detectors.ig"]
    settings = next(k for k, line in enumerate(lines) if k > start and line.startswith("    settings: "))
    assert lines[settings : settings + 2] == [
        "    settings: baseline = silence, domain = waveform, sign = absolute, percentile = 10.0, draws = 4,",
        "      n_steps = 16, tolerance = 0.15, max_steps = 256",
    ]
    assert "    settings: path" in lines


class Point:
    def __init__(self, name, value):
        self.name, self.value = name, value


DECLARED = OfClassifier(name="theirs", title="Their method", run="nowhere:f", score="s", citation="They 2026")


def test_installed_ones_are_listed_and_a_broken_one_does_not_hide_the_others(monkeypatch):
    module = type(sys)("installed_for_listing")
    module.DECLARED = DECLARED
    monkeypatch.setitem(sys.modules, "installed_for_listing", module)
    points = [Point("theirs", "installed_for_listing:DECLARED"), Point("broken", "no_such_module_at_all:X")]
    monkeypatch.setattr(components.importlib.metadata, "entry_points", lambda group: points)
    DETECTORS.__dict__.pop("installed", None)
    try:
        lines = listing.text("detectors", 100).splitlines()
    finally:
        DETECTORS.__dict__.pop("installed", None)
    assert any(
        line.split() == ["theirs", "Their", "method", "classifier", "installed_for_listing:DECLARED", "(installed)"]
        for line in lines
    )
    assert "    They 2026" in lines
    broken = next(k for k, line in enumerate(lines) if line.startswith("broken"))
    assert "cannot be used" in lines[broken]
    assert "no_such_module_at_all" in lines[broken + 1]


def test_the_command_imports_no_torch():
    code = "import sys; from igsed.__main__ import main; main(['list', 'detectors']); sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, "igsed.detectors.ig" in done.stdout) == (0, True), done.stderr


def test_an_unknown_family_is_a_wrong_call(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["list", "methods"])
    assert stopped.value.code == 2
    assert "detectors" in capsys.readouterr().err
