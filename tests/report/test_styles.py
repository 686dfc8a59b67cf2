"""Styles of detectors: the same in all figures, on the page, and beside other experiments."""

import itertools
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from igsed import config
from igsed.report.styles import STYLE, merged, styles

ROOT = Path(__file__).parents[2]


def test_a_style_depends_on_the_names_alone():
    some = ["zoom", "mine"]
    assert styles(some) == {
        name: style for name, style in styles(["a", *some, "z"], drawn=some).items() if name in some
    }
    look = styles(["zoom", "ig", "cam"])
    assert list(look) == ["zoom", "ig", "cam"]
    assert look == styles(["cam", "zoom", "ig"])
    assert look["ig"] == styles(["ig"])["ig"] == STYLE["ig"]
    many = styles(f"d{i:03}" for i in range(140))
    assert len(set(many.values())) == 140


names = st.lists(st.sampled_from(["ig", "cam", *"abcdef"]), min_size=1, unique=True)


@pytest.mark.parametrize("name", ["default.yaml", "free_sounds.yaml", "conditions.yaml"])
def test_detectors_look_the_same_in_the_experiments_whose_figures_the_documentation_shows(name):
    files = ["config.yaml"] if name == "default.yaml" else ["config.yaml", f"config/{name}"]
    shipped = config.load(config.merge([str(ROOT / file) for file in files]), files)
    look = styles(shipped.detector_names, shipped.drawn)
    names = {"ig_quiet", "ig_quiet_random_head", "occlusion", "gradient_input_random_head"} & {*shipped.drawn}
    assert names
    assert {each: look[each] for each in names} == {each: styles([each])[each] for each in names}


@given(st.lists(st.tuples(names, names), min_size=1, max_size=4))
def test_experiments_beside_each_other_keep_their_styles_where_they_can(experiments):
    """The first experiment's all; every detector has one; no two have the same."""
    found = merged(experiments)
    first = styles(*experiments[0])
    assert {name: found[name] for name in first} == first
    assert set(found) == {name for detectors, _ in experiments for name in detectors}
    assert len(set(found.values())) == len(found)
    assert all(found[name] == STYLE[name] for name in found if name in STYLE)


def test_another_detector_with_the_same_style_gets_the_next():
    names = [f"d{i}" for i in range(9)]
    alone = {name: styles([name])[name] for name in names}
    other, one = next((a, b) for a, b in itertools.combinations(names, 2) if alone[a] == alone[b])
    both = styles([one, other])
    assert both[other] == styles([other])[other]
    assert both[one].colour != both[other].colour
    found = merged([([one], []), ([other], [])])
    assert found[one] == styles([one])[one]
    assert found[other] != found[one]
    assert len(merged([([f"d{i}" for i in range(200)], [])])) == 200


def test_they_are_had_without_matplotlib():
    code = "import sys, igsed.report.styles; print({'matplotlib', 'torch'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
