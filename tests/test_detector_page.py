"""The configurations that docs/detectors.md and config/own_detector.yaml show can be used as they stand."""

import re
import sys
from pathlib import Path

import pytest
import yaml

from igsed import conformance
from igsed.config import load

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "detectors.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
OWN = (ROOT / "config" / "own_detector.yaml").read_text(encoding="utf-8")


def default() -> dict:
    return yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))


NAMES = [
    ["ig", "ig_coarse", "ig_fine", "random", "energy"],
    ["ig", "ig_quiet", "ig_quiet_random_head", "ig_quiet_smooth", "ig_quiet_contrast"],
    ["ig", "my_method", "random", "energy"],
    [
        *(given if isinstance(given, str) else given["name"] for given in default()["detectors"]),
        "mine",
        "mine_random_head",
    ],
    ["ig", "gradient_times_input", "fw_ws", "fw_ss", "random", "energy"],
]


@pytest.mark.parametrize(("text", "names"), list(zip([*SHOWN, OWN], NAMES, strict=True)))
def test_a_configuration_that_is_shown_is_valid(text, names, monkeypatch):
    """Entries alone stand for the default's list with them below."""
    monkeypatch.setattr(sys, "path", [str(ROOT), str(ROOT / "examples"), *sys.path])
    shown = yaml.safe_load(text)
    own = {"detectors": [*default()["detectors"], *shown]} if isinstance(shown, list) else shown
    assert load(default() | own).detector_names == names


def test_what_is_checked_is_told():
    """A kind of detector whose checks the page does not describe would be missing here."""
    rows = re.findall(r"^\| (\w+) \|", PAGE[PAGE.index("## Testing") :], flags=re.MULTILINE)
    assert set(rows) == {"needs", "all", *conformance._CHECKS}


@pytest.mark.parametrize(
    ("line", "imported"),
    [
        ("def named(classifier, waveform, targets): ...", False),
        ("class named: ...", False),
        ("named = print", True),
        ("from builtins import print as named", True),
    ],
)
def test_what_docs_security_says_of_imports(tmp_path, monkeypatch, line, imported):
    """A function or class is not imported by the check of a configuration, anything else is."""
    module = f"security_{abs(hash(line))}"
    (tmp_path / f"{module}.py").write_text(f"{line}\nopen({str(tmp_path / 'ran')!r}, 'w').close()\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    load(default() | {"detectors": ["ig", {"name": "theirs", "method": f"{module}:named"}]})
    assert (tmp_path / "ran").exists() == imported
