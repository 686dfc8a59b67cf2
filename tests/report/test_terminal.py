"""The table for a terminal: whole at 80 columns, narrower without what matters less, wide characters counted."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from igsed.report import terminal

METRICS = ("average_precision", "pointing_game", "class_auc")


def intervals(values: dict[str, float], metrics=METRICS) -> pd.DataFrame:
    rows = [
        {"detector": detector, "label": label, "metric": metric, "value": value, "low": value - 0.05,
         "high": value + 0.05, "low_wide": value - 0.1, "high_wide": value + 0.1}
        for detector, value in values.items() for metric in metrics for label in ("all", "Dog")
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_methods_stand_above_the_line_and_controls_below_with_the_wider_interval():
    table = terminal.table(
        intervals({"ig": 0.5, "cam": 0.8, "random": 0.2}), ["cam", "ig", "random"], ["random"], foreign=["ig"]
    )
    assert table == (
        "Detector                 AP       PG / %          Class AUC\n"
        f"{'─' * 59}\n"
        "CAM       0.80 [0.70, 0.90]  80 [70, 90]  0.80 [0.70, 0.90]\n"
        "IG †      0.50 [0.40, 0.60]  50 [40, 60]  0.50 [0.40, 0.60]\n"
        f"{'─' * 59}\n"
        "Random    0.20 [0.10, 0.30]  20 [10, 30]  0.20 [0.10, 0.30]"
    )


@given(
    st.dictionaries(st.text("abc_犬猫é", min_size=1, max_size=40), st.floats(0, 1), min_size=1, max_size=6),
    st.integers(30, 120),
)
def test_no_line_is_wider_than_the_terminal(values, width):
    names = list(values)
    table = terminal.table(intervals(values), names, names[::2], width=width)
    lines = table.splitlines()
    assert max(map(terminal.columns, lines)) <= max(
        width, 12 + 2 + 4 + 2 + 6 + 2 + 9
    )  # a name's beginning, and numbers
    assert len({terminal.columns(line) for line in lines}) == 1
    assert "\x1b" not in table
    styled = terminal.table(intervals(values), names, names[::2], width=width, styled=True)
    assert styled.startswith("\x1b[1m")
    assert styled.count("\x1b[0m") == 1 + len(names[::2])


def test_what_is_undefined_or_absent_is_a_dash_and_a_metric_without_results_no_column():
    found = intervals({"ig": 0.5, "cam": 0.5}, METRICS[:2])
    found.loc[(found["detector"] == "ig") & (found["metric"] == "average_precision"), "value"] = np.nan
    found = found[(found["detector"] != "cam") | (found["metric"] != "pointing_game")]
    head, _, *rows = terminal.table(found, ["cam", "ig", "absent"], []).splitlines()
    assert "AUC" not in head
    assert [row.split()[0] for row in rows] == ["CAM", "IG"]
    assert rows[0].endswith("–")
    assert rows[1].split()[1] == "–"
    assert terminal.table(found, ["absent"], []) == ""


def test_intervals_go_before_names_do():
    long = "a_detector_with_a_very_long_name_indeed"
    narrow = terminal.table(intervals({long: 0.5}), [long], [], width=70)
    assert "[" not in narrow
    assert long in narrow
    assert "a_detector_wit…" in terminal.table(intervals({long: 0.5}), [long], [], width=40)


def test_notes_explain_what_is_there_and_nothing_else():
    found = intervals({"ig": 0.5, "random": 0.5})
    told = " ".join(terminal.notes(found, METRICS, ["random"], ["ig"]).split())
    assert "PG: Pointing Game" in told
    assert "Below the line" in told
    assert "† its baseline" in told
    told = " ".join(terminal.notes(found, METRICS[:1], [], [], bracketed=False).split())
    assert "Pointing" not in told
    assert "Below" not in told
    assert "†" not in told
    assert "interval." not in told


@given(st.text(), st.integers(1, 20))
def test_a_name_is_shortened_to_what_fits(text, width):
    shown = terminal.shortened(text, width)
    assert terminal.columns(shown) <= width
    assert shown == text if terminal.columns(text) <= width else shown.endswith("…")


@pytest.mark.parametrize(("text", "taken"), [("abc", 3), ("犬の声", 6), ("é", 1), ("", 0)])
def test_columns_are_those_of_a_terminal(text, taken):
    assert terminal.columns(text) == taken
