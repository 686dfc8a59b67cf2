"""Settings of detectors of masked clips, and what is refused."""

import pytest

from igsed import detectors
from igsed.errors import InputError

NAMES = ["occlusion", "rise", "lime", "kernel_shap", "forest"]


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("occlusion", {"window": 0.3, "hop": 0.4}, "hop: 0.4 s is more than window, 0.3 s"),
        ("occlusion", {"window": 0.25}, "window: .*multiple of 0.1"),
        ("occlusion", {"hop": 0}, "hop: "),
        ("occlusion", {"window": float("inf")}, "window: "),
        ("occlusion", {"filler": "rain"}, "filler: "),
        ("rise", {"cell": 0.33}, "cell: .*multiple of 0.1"),
        ("rise", {"keep": 1}, "keep: "),
        ("rise", {"masks": 1}, "masks: "),
        ("lime", {"kernel_width": 0}, "kernel_width: "),
        ("lime", {"penalty": 0}, "penalty: "),
        ("kernel_shap", {"masks": 3}, "masks: "),
        ("forest", {"trees": 0}, "trees: "),
    ],
)
def test_impossible_settings_are_refused(name, settings, message):
    with pytest.raises(InputError, match=message):
        detectors.checked(detectors.find(name), settings)


@pytest.mark.parametrize("name", NAMES)
def test_clips_that_are_too_short_are_refused(name):
    settings = detectors.find(name).settings()
    settings.check(10.0)
    settings.check(1.0)
    for duration in (0.3, 0.35, 0.05):
        with pytest.raises(InputError, match=r"^(window|cell): 0\.3 s .*clip of 0\.[03]"):
            settings.check(duration)
    settings.check(0.4)


def test_too_few_coalitions_for_the_cells_are_refused():
    settings = detectors.find("kernel_shap").settings
    settings(masks=68).check(10.0)
    settings(masks=8, cell=0.5).check(1.9)
    with pytest.raises(InputError, match=r"^masks: 67 .* 34 cells.* 68 "):
        settings(masks=67).check(10.0)
    with pytest.raises(InputError, match=r"^masks: 7 .* 4 cells"):
        settings(masks=7, cell=0.5).check(1.9)


@pytest.mark.parametrize(
    ("name", "settings", "count"),
    [
        ("occlusion", {}, 34),
        ("occlusion", {"window": 1.0, "hop": 0.5}, 19),
        ("rise", {}, 60),
        ("kernel_shap", {"masks": 200, "cell": 2.0}, 32),
        ("kernel_shap", {"masks": 200}, 200),
    ],
)
def test_their_number_is_known(name, settings, count):
    detector = detectors.find(name)
    assert detector.count(detectors.checked(detector, settings)) == count
