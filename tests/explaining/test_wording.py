"""What people read: the terminal's table, one line in Python, notes."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from igsed.explaining import wording
from igsed.explaining.results import Explained


def explanation(probabilities, values, events=(), **settings):
    names = ["Animal", "Dog", "Domestic animals, pets"][: len(values)]
    labels = pd.DataFrame({"label": names, "probability": probabilities, "explained": True})
    table = pd.DataFrame(events, columns=["label", "onset", "offset", "confidence", "note"])
    table = table.astype({"confidence": float})
    return Explained(
        "garden",
        12.0,
        "YAMNet",
        "CAM",
        "Measured.",
        labels.assign(low=labels["probability"], high=labels["probability"]),
        np.asarray(values, float),
        table,
        pd.DataFrame({"label": names, "loudness": 0.0, "random_head": 0.0}),
        {"logits": False, "floor": 0.05, **settings},
    )


RISING = np.arange(4.0)
HEARD = explanation(
    [0.93, 0.8, 0.004],
    [RISING, RISING, RISING],
    [("Animal", 1.0, 2.5, 0.5, "follows loudness"), ("Dog", 1.0, 2.5, 0.4, "follows loudness")],
)


def test_the_table_is_read_at_a_glance():
    """Nothing is 0.00 that is not zero, nothing is a word where a number stands, equal notes are one."""
    assert wording.table(HEARD, 100).splitlines() == [
        "garden (12.0 s), YAMNet, CAM",
        "  class                   probability  times / s (confidence)",
        "  Animal                  0.93         1.0–2.5 (0.50)",
        "  Dog                     0.80         1.0–2.5 (0.40)",
        "  Domestic animals, pets  <0.01        –",
        "  Note: Animal; Dog: follows loudness.",
    ]
    assert wording.table(HEARD, 30).splitlines()[-2:] == ["  Note: Animal; Dog: follows", "    loudness."]
    assert str(HEARD) == wording.table(HEARD, 100)


def test_in_python_it_is_one_short_line():
    assert repr(HEARD) == (
        "<Explained 'garden', 12.0 s, YAMNet, CAM: "
        "Animal 0.93 (1 event); Dog 0.80 (1 event); Domestic animals, pets <0.01 (0 events)>"
    )
    many = wording.line(HEARD, most=1)
    assert many.endswith("Animal 0.93 (1 event); and 2 more>")
    odd = dataclasses.replace(HEARD, model="a\x1b[2J\nb")
    assert "\x1b" not in repr(odd)
    assert "\n" not in repr(odd)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (explanation([0.04], [RISING]), []),
        (explanation([0.06], [np.ones(4)]), ["no times, since the curve has the same value everywhere"]),
        (
            explanation([0.06], [RISING - 10], logits=True),
            ["no times, since the method gives no frame a probability of at least 0.05"],
        ),
        (explanation([0.06], [RISING], minimum=2.0), ["no event is as long as 2 s and probable enough"]),
        (explanation([0.06], [RISING]), ["no times, since the probability is below 0.05 wherever the curve is high"]),
        (
            dataclasses.replace(explanation([0.9], [np.zeros(4)], settings={"baseline": "quiet_second"}), duration=0.4),
            ["no times, since the recording is no longer than the quietest second that it is compared with"],
        ),
    ],
)
def test_a_probable_class_without_times_says_why(given, expected):
    assert wording.notes(given, "Animal") == expected


def test_where_nothing_is_probable_that_is_said():
    for labels, probability, told in ((None, 0.4, True), (["Animal"], 0.4, False), (None, 0.5, False)):
        given = explanation([probability], [RISING], labels=labels)
        assert bool(wording.remarks(given)) is told
        assert ("no class has a probability of at least 0.5" in str(given)) is told
