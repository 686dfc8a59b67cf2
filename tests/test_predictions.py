"""Predictions as a table, and what an attribution method is asked about."""

import numpy as np
import pytest

from igsed import predictions

LABELS = ["Cat", "Dog", "Speech"]
LOGITS = np.array([[0.0, 1e-6, -2.0], [1000.0, -1000.0, 2.0]])
PRESENT = np.array([[True, True, False], [False, True, True]])


@pytest.fixture
def table():
    return predictions.table(["b", "a"], LABELS, LOGITS, PRESENT, 0.5)


def test_every_clip_and_class_has_a_row(table):
    assert list(table.columns) == ["clip", "label", "probability", "predicted", "present"]
    assert table["clip"].tolist() == ["b"] * 3 + ["a"] * 3
    assert table["label"].tolist() == LABELS * 2
    np.testing.assert_allclose(table["probability"][:3], 1 / (1 + np.exp(-LOGITS[0])))
    assert table["present"].tolist() == [1, 1, 0, 0, 1, 1]


def test_a_class_is_predicted_above_the_decision_not_at_it(table):
    assert table["predicted"].tolist() == [0, 1, 0, 1, 0, 1]
    assert predictions.table(["b"], LABELS, LOGITS[:1], PRESENT[:1], 0.1)["predicted"].tolist() == [1, 1, 1]


def test_targets_are_the_predicted_classes_and_the_present_ones_if_wanted(table):
    def targets(table, all_present):
        wanted = predictions.Wanted(table, LABELS, all_present)
        return {clip: wanted.targets(clip) for clip in ("b", "a")}

    assert targets(table, False) == {"b": [1], "a": [0, 2]}
    assert targets(table, True) == {"b": [0, 1], "a": [0, 1, 2]}
    assert targets(table[table["clip"] == "b"].assign(predicted=0), False) == {"b": [], "a": []}


@pytest.mark.parametrize("all_present", [False, True])
def test_what_is_in_a_clip_are_the_predicted_and_the_present_classes_whatever_is_scored(table, all_present):
    wanted = predictions.Wanted(table, LABELS, all_present)
    assert (wanted.there("b"), wanted.there("a")) == ([0, 1], [0, 1, 2])
    assert wanted.there("c") == []
    silent = predictions.Wanted(table.assign(predicted=0), LABELS, all_present)
    assert (silent.there("b"), silent.there("a")) == ([0, 1], [1, 2])
    assert silent.targets("b") == ([0, 1] if all_present else [])
