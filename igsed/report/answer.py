"""The answer of an experiment in a few sentences, computed from its numbers; for whatever a person opens first."""

from collections.abc import Sequence

import pandas as pd

from igsed.detectors import title_of

QUESTION = "When a sound classifier names a class, can its explanation say when it sounds?"

SHARE = 0.1
"""A class is spoken of by itself if it has at least this share of the pairs."""


def sentences(
    intervals: pd.DataFrame,
    metrics: pd.DataFrame,
    protocol: str,
    explanations: Sequence[str],
    reference: str,
    split: str = "test",
) -> list[str]:
    """How often explanations point right, with its interval, against chance and energy.

    Parameters
    ----------
    intervals, metrics : pandas.DataFrame
        `intervals.csv` and `metrics.csv` of the experiment.
    protocol : str
        Whose pairs are scored; the Pointing Game needs no threshold.
    explanations : sequence of str
        The detectors that explain the clip classifier and are no controls.
    reference : str
        The detector that others are compared with; it gets a sentence of its own if it is no explanation or not the
        best one.
    split : str

    Returns
    -------
    list of str
        The best explanation by average precision, the reference, energy. Empty where no pair was scored.
    """
    here = intervals[(intervals["split"] == split) & (intervals["protocol"] == protocol)]
    rates = here[here["metric"] == "pointing_game"].set_index(["detector", "label"])
    overall = here[(here["metric"] == "average_precision") & (here["label"] == "all")].set_index("detector")["value"]
    known = overall.reindex([name for name in explanations if name in overall]).dropna()
    made, told = [], set()
    if len(known):
        best = str(known.idxmax())
        told.add(best)
        who = f"The best explanation by average precision, {title_of(best)}," if len(known) > 1 else title_of(best)
        made.append(f"{who} points right in {_case(rates, best)}{_chance(metrics, here)}.")
        made.append(_by_class(rates, best))
    if reference not in told and (reference, "all") in rates.index and pd.notna(rates.loc[(reference, "all"), "value"]):
        made.append(f"{title_of(reference)} points right in {_case(rates, reference)}.")
        made.append(_by_class(rates, reference))
    if made and ("energy", "all") in rates.index and "energy" not in told:
        made.append(f"Loudness alone (energy) reaches {_case(rates, 'energy')}.")
    return [sentence for sentence in made if sentence]


def _case(rates: pd.DataFrame, detector: str) -> str:
    """The Pointing Game over all pairs in per cent, with its interval."""
    row = rates.loc[(detector, "all")]
    low, high = (row.get(f"{side}_wide", row[side]) for side in ("low", "high"))
    interval = "" if pd.isna(low) or pd.isna(high) else f" [{100 * low:.0f}, {100 * high:.0f}]"
    return f"{100 * row['value']:.0f} %{interval} of the cases"


def _chance(metrics: pd.DataFrame, here: pd.DataFrame) -> str:
    """What random scores are expected to reach: the mean share of active frames."""
    rows = metrics[
        (metrics["metric"] == "active_ratio")
        & (metrics["label"] == "all")
        & metrics["split"].isin(here["split"])
        & metrics["protocol"].isin(here["protocol"])
    ]
    return f"; chance is {100 * rows['value'].mean():.0f} %" if len(rows) else ""


def _by_class(rates: pd.DataFrame, detector: str) -> str:
    """The class on which the detector differs most from its mean over the others, if it does by 10 points."""
    rows = rates.loc[detector].drop(index=["all", "class_mean"], errors="ignore").dropna(subset=["value"])
    rows = rows[rows["pairs"] > 0]
    total, hits = rows["pairs"].sum(), (rows["pairs"] * rows["value"]).sum()
    spoken = rows[(rows["pairs"] >= SHARE * total) & (rows["pairs"] < total)]
    if not len(spoken):
        return ""
    elsewhere = (hits - spoken["pairs"] * spoken["value"]) / (total - spoken["pairs"])
    label = (spoken["value"] - elsewhere).abs().idxmax()
    if abs(spoken["value"][label] - elsewhere[label]) < 0.1:
        return ""
    name = str(label).replace("_", " ")
    return f"On {name} it does so in {100 * spoken['value'][label]:.0f} %, elsewhere in {100 * elsewhere[label]:.0f} %."
