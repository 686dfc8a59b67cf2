"""The sentences that come first, against numbers made up for them."""

import pandas as pd
import pytest

from igsed.report import answer

EXPLANATIONS = ["ig", "cam"]


def intervals(values, pairs=None, wide=True):
    """Rows of the Pointing Game by (detector, label), and of average precision over all pairs."""
    rows = [
        ("test", "own", detector, label, "pointing_game", value, value - 0.1, value + 0.1, (pairs or {}).get(label, 9))
        for (detector, label), value in values.items()
    ]
    rows += [
        ("test", "own", detector, "all", "average_precision", value, 0.0, 1.0, 9)
        for (detector, label), value in values.items()
        if label == "all"
    ]
    columns = ["split", "protocol", "detector", "label", "metric", "value", "low", "high", "pairs"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(low_wide=table["low"] - 0.05, high_wide=table["high"] + 0.05) if wide else table


METRICS = pd.DataFrame(
    [("test", "own", "all", "active_ratio", 0.2), ("test", "own", "all", "active_ratio", 0.24)],
    columns=["split", "protocol", "label", "metric", "value"],
)


def told(table, explanations=EXPLANATIONS, reference="ig"):
    return answer.sentences(table, METRICS, "own", explanations, reference)


def test_the_best_explanation_and_the_reference_and_energy():
    table = intervals({("ig", "all"): 0.3, ("cam", "all"): 0.75, ("fw_ss", "all"): 0.8, ("energy", "all"): 0.5})
    assert told(table) == [
        "The best explanation by average precision, CAM, points right in 75 % [60, 90] of the cases; chance is 22 %.",
        "IG points right in 30 % [15, 45] of the cases.",
        "Loudness alone (energy) reaches 50 % [35, 65] of the cases.",
    ]
    assert told(table, reference="cam")[1].startswith("Loudness")
    assert told(table, ["ig"])[0] == "IG points right in 30 % [15, 45] of the cases; chance is 22 %."
    assert "[20, 40]" in told(intervals({("ig", "all"): 0.3}, wide=False))[0]


def test_the_class_that_stands_out():
    """Speech 10 of 10, the two others 3 of 30 pairs: 100 % there, 10 % elsewhere."""
    values = {("ig", "all"): 13 / 40, ("ig", "Speech"): 1.0, ("ig", "Dog"): 0.2, ("ig", "Cat"): 0.05}
    values |= {("ig", "class_mean"): 0.4}
    pairs = {"Speech": 10, "Dog": 10, "Cat": 20, "all": 40}
    assert "On Speech it does so in 100 %, elsewhere in 10 %." in told(intervals(values, pairs), ["ig"])
    few = told(intervals(values, pairs | {"Speech": 1}), ["ig"])
    assert not any("Speech" in sentence for sentence in few)
    alike = {("ig", "all"): 0.5, ("ig", "Speech"): 0.5, ("ig", "Dog"): 0.52}
    assert len(told(intervals(alike), ["ig"])) == 1


@pytest.mark.parametrize("missing", [[], ["energy"]])
def test_nothing_scored_says_nothing(missing):
    table = intervals({(name, "all"): float("nan") for name in ["ig", *missing]})
    assert told(table) == []
