"""What a comparison says in a few sentences, computed from its first metric: who leads where, do the banks agree."""

from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from igsed.compare import places
from igsed.compare.differences import same_clips
from igsed.compare.rows import Shown, of_first_metric, titles
from igsed.compare.sections import number
from igsed.compare.tables import Comparison
from igsed.metrics import Metric

SEVERAL = "Is the detector that is best on one bank also best on the others?"
ALONE = "Which detector is best at saying when a class sounds?"
_WORDS = ((0.9, "closely"), (0.7, "well"), (0.4, "partly"))
"""From which of Spearman's correlations on banks agree how; below they hardly do."""

_NAMED = 3
"""So many pairs of detectors, or banks, are named one by one."""


def question(comparison: Comparison) -> str:
    """What the page answers."""
    return ALONE if len(comparison.banks) == 1 else SEVERAL


def sentences(comparison: Comparison, rows: Sequence[Shown]) -> list[str]:
    """Which detectors lead, how far the banks agree, and which detectors change places.

    Controls are no leaders, but agreement and changes of place are of all that is ranked (`tables.agreement`).
    """
    metric, table = comparison.metrics[0], of_first_metric(comparison)
    names = titles(rows)
    ranked = table.dropna(subset=["rank"])
    banks = [bank.name for bank in comparison.banks if bank.name in set(table.loc[table["value"].notna(), "bank"])]
    if metric.higher_is_better is None or ranked.empty:
        if metric.higher_is_better is None:
            reason = "neither high nor low values are better"
        else:
            where = "in every bank" if len(banks) > 1 else "here"
            reason = f"none that is not made from the events has a value {where}"
        return [f"No detector is ranked by {inside(metric.title)}: {reason}."]
    methods = [row.name for row in rows if not (row.control or row.truth)]
    said = [_leaders(metric, ranked[ranked["detector"].isin(methods)], banks, names)]
    said += same_clips(comparison.experiments)
    agreement = comparison.agreement
    agreement = agreement[(agreement["metric"] == metric.name) & (agreement["label"] == "all")]
    said.append(_agreement(agreement[agreement["bank"].isin(banks) & agreement["other"].isin(banks)]))
    if len(banks) > 1:
        said += [_changes(metric, ranked, names), _mover(ranked, names)]
    return [sentence for sentence in said if sentence]


def _leaders(metric: Metric, ranked: pd.DataFrame, banks: Sequence[str], names: Mapping[str, str]) -> str:
    by = inside(metric.title)
    if ranked.empty:
        return f"By {by}, only controls have a value in every bank."
    first = ranked[ranked["rank"] == ranked.groupby("bank")["rank"].transform("min")]
    leads = first.groupby("detector", sort=False)["bank"].agg(list).to_dict()
    count = ranked["detector"].nunique()
    there = " that all banks have" if len(banks) > 1 else ""
    always = [name for name, where in leads.items() if len(where) == len(banks)]
    if always and len(leads) == len(always):
        where = f"on {banks[0]}" if len(banks) == 1 else "on both banks" if len(banks) == 2 else "on all banks"
        value = _span(ranked.loc[ranked["detector"] == always[0], "value"])
        lead = "leads" if len(always) == 1 else "lead"
        return f"By {by}, {_listed([names[name] for name in always])} {lead} {where} ({value}){_of(count, there)}."
    order = sorted(leads.items(), key=lambda item: (-len(item[1]), min(map(banks.index, item[1]))))
    told = "; ".join(f"{names[name]} leads on {_banks(where, len(banks))}" for name, where in order)
    return f"By {by}, none of the {count} detectors{there} leads everywhere: {told}."


def _of(count: int, there: str) -> str:
    return f", of {count} detectors{there}" if count > 1 else f", the only detector{there}"


def _agreement(agreement: pd.DataFrame) -> str:
    known = agreement.dropna(subset=["spearman"])
    if known.empty:
        reasons = "; ".join(dict.fromkeys(agreement["reason"]))
        return f"How far the banks agree cannot be said: {reasons}." if len(agreement) else ""
    worst = known["spearman"].min()
    word = next((word for least, word in _WORDS if worst >= least), "hardly")
    detectors = _span(known["detectors"], lambda count: str(int(count)))
    return (
        f"The banks agree {word} on the order of {detectors} detectors, controls among them: Spearman "
        f"{_span(known['spearman'])}, Kendall {_span(known['kendall'])} (1: the same order; 0: none)."
    )


def _changes(metric: Metric, ranked: pd.DataFrame, names: Mapping[str, str]) -> str:
    pairs, changed, certain = places.changes(ranked, bool(metric.higher_is_better))
    if not pairs:
        return ""
    if not changed:
        return f"None of the {pairs} pairs of detectors on all banks changes places."
    told = [f"{names[one]} and {names[other]}" for one, other in certain]
    if not certain:
        beyond = "in none of these changes do the intervals lie apart"
    elif len(certain) <= _NAMED:
        beyond = f"beyond the intervals {'does' if len(certain) == 1 else 'do'} only {'; '.join(told)}"
    else:
        beyond = f"beyond the intervals {len(certain)} of them do, such as {told[0]}"
    return f"{changed} of the {pairs} pairs of detectors on all banks change{'s' * (changed == 1)} places; {beyond}."


def _mover(ranked: pd.DataFrame, names: Mapping[str, str]) -> str:
    ranks = ranked.pivot(index="detector", columns="bank", values="rank")
    ranks = ranks.reindex(dict.fromkeys(ranked["detector"]))[list(dict.fromkeys(ranked["bank"]))]
    moves = ranks.max(axis=1) - ranks.min(axis=1)
    if moves.max() < 2:
        return ""
    name = moves.idxmax()
    best, worst = ranks.loc[name].idxmin(), ranks.loc[name].idxmax()
    count = len(ranks)
    return (
        f"{names[name]} moves most: place {ranks.loc[name, best]:g} of {count} on {best}, {ranks.loc[name, worst]:g} "
        f"on {worst}."
    )


def _banks(where: Sequence[str], count: int) -> str:
    return _listed(where) if len(where) <= _NAMED else f"{len(where)} of {count} banks"


def _listed(texts: Sequence[str]) -> str:
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def inside(title: str) -> str:
    """A metric's title inside a sentence.

    >>> inside("Average precision"), inside("IoU")
    ('average precision', 'IoU')
    """
    return title[0].lower() + title[1:] if title[1:].islower() else title


def _span(values: pd.Series, told: Callable[[float], str] = lambda value: number(value, 2)) -> str:
    low, high = told(values.min()), told(values.max())
    return low if low == high else f"{low} to {high}"
