"""The page of a comparison, `compare.html`: the results page's sibling, made of the same parts.

One file that needs no other and no network. It links to the pages of the experiments where these lie near it, so that
page and experiments can be moved together. The same folders and place give the same bytes.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pandas as pd

from igsed.compare import answer, differences, figure, numbers, places
from igsed.compare.folders import Bank, Experiment
from igsed.compare.rows import Shown, of_first_metric, shown, titles
from igsed.compare.sections import MISSING, Cell, Section, caveats, marks, number, sections, title
from igsed.compare.tables import Comparison
from igsed.jobs import provenance
from igsed.names import printable
from igsed.report import citation, paper, typesetting
from igsed.report.page import rendering

_HERE = Path(__file__).parent
_ROOT = _HERE.parents[1]
_SOUNDS = {"test": "synthetic clips", "recordings": "real recordings"}
_LEVELS = 2
"""So many folders above the page's own, an experiment is still near it."""


class _Bank(NamedTuple):
    """A bank as the page lists it; `page` is the address of its experiment's page, "" without one."""

    name: str
    sounds: str
    experiment: str
    pairs: str
    clips: str
    seeds: str
    page: str


def html(comparison: Comparison, folder: str | Path | None = None) -> str:
    """The whole comparison as a page of HTML.

    Parameters
    ----------
    comparison : Comparison
    folder : path, optional
        Where the page will lie; without it, it links to no experiment.
    """
    rows = shown(comparison)
    metric = comparison.metrics[0]
    wide, narrow = figure.drawings(comparison, rows)
    data = numbers.of_page(comparison, rows)
    told = sections(comparison, titles(rows))
    agreement = _agreement(comparison)
    return rendering.render(
        _HERE / "page.html",
        ["page.js"],
        data,
        title=title(comparison),
        question=answer.question(comparison),
        answer=answer.sentences(comparison, rows),
        wide=wide,
        narrow=narrow,
        metric=metric,
        metric_inside=answer.inside(metric.title),
        protocol=printable(comparison.protocol),
        limits=_limits(comparison, rows),
        banks=[_listed(bank, comparison, folder) for bank in comparison.banks],
        board=_board(told[0], rows, comparison),
        mark=typesetting.MARK,
        marked=marks(comparison),
        foreign=bool((comparison.table["neutral"] == 0).any()),
        places=_places(comparison),
        several=len(comparison.banks) > 1,
        agreement=agreement,
        reasons=any(reason for *_, reason in agreement),
        sections=told,
        subjects=_subjects(comparison),
        facts=[(one.name, _facts(one)) for one in comparison.experiments],
        definitions=data["metrics"],
        made_with=", ".join(f"{name} {version}" for name, version in provenance.versions(["igsed"]).items()),
        downloads=["compare.csv", "agreement.csv", "compare.md"],
        citations=[citation.of_checkout(_ROOT), paper.CITATION],
        missing=MISSING,
    )


def _board(
    section: Section, rows: Sequence[Shown], comparison: Comparison
) -> list[tuple[Shown, Sequence[Cell], list[bool], str]]:
    """The leaderboard without a script: the first metric over pairs; methods, controls, what knows the truth.

    Of each row the cells, which of them are the best of all methods, and the mean rank.
    """
    found = {row.detector: row for row in section.rows}
    values = of_first_metric(comparison).pivot(index="detector", columns="bank", values="value")
    values = values.reindex([row.name for row in rows]).reindex(columns=section.banks)
    better = comparison.metrics[0].higher_is_better
    methods = values[[not (row.control or row.truth) for row in rows]]
    best = methods.eq(methods.min() if better is False else methods.max()) & (better is not None)
    best = best.reindex(values.index, fill_value=False)
    empty = [Cell(MISSING)] * len(section.banks)
    return [
        (
            row,
            found[row.name].cells if row.name in found else empty,
            best.loc[row.name].tolist(),
            found[row.name].mean_rank if row.name in found else MISSING,
        )
        for row in rows
    ]


def _places(comparison: Comparison) -> dict[tuple[str, str], str]:
    """(Detector, bank) → the places that its interval leaves open, as text."""
    ranked = of_first_metric(comparison).dropna(subset=["rank_low"])
    return {
        (row.detector, row.bank): f"[{row.rank_low:g}, {row.rank_high:g}]" for row in ranked.itertuples(index=False)
    }


def _agreement(comparison: Comparison) -> list[tuple[str, ...]]:
    """For each two banks: names, detectors, Spearman, Kendall, changes of place, those beyond the intervals, reason."""
    metric = comparison.metrics[0]
    table = of_first_metric(comparison)
    here = comparison.agreement
    here = here[(here["metric"] == metric.name) & (here["label"] == "all")]
    found: list[tuple[str, ...]] = []
    for row in here.to_dict("records"):
        both = table[table["bank"].isin([row["bank"], row["other"]]) & table["rankable"] & table["value"].notna()]
        both = both[both["detector"].map(both["detector"].value_counts()) == 2]
        changed = places.changes(both.assign(rank=1.0), metric.higher_is_better is not False)
        found.append(
            (
                row["bank"],
                row["other"],
                str(row["detectors"]),
                number(row["spearman"], 2),
                number(row["kendall"], 2),
                f"{changed.changed} of {changed.pairs}",
                str(len(changed.certain)),
                row["reason"],
            )
        )
    return found


def _subjects(comparison: Comparison) -> dict[str, list[str]]:
    found = differences.by_subject(comparison.experiments) or {"": caveats(comparison)}
    return {subject: list(map(printable, told)) for subject, told in found.items()}


def _limits(comparison: Comparison, rows: Sequence[Shown]) -> str:
    """What the dotted lines of the figure are."""
    known = of_first_metric(comparison).dropna(subset=["value"])["detector"].unique()
    named = titles(rows)
    chance = "what random scores reach (chance)" if "random" in known else ""
    ceiling = " and ".join(named[row.name] for row in rows if row.truth and row.name in known)
    lines = [chance, f"what {ceiling} reaches, which is made from the events (ceiling)" if ceiling else ""]
    told = ", and ".join(filter(None, lines))
    return f"Dotted lines: {told}." if told else ""


def _listed(bank: Bank, comparison: Comparison, folder: str | Path | None) -> _Bank:
    rows = of_first_metric(comparison)
    rows = rows[rows["bank"] == bank.name]
    pairs, clips = ("" if pd.isna(most := rows[name].max()) else str(int(most)) for name in ("pairs", "clips"))
    one = bank.experiment
    place = printable(str(one.folder))
    return _Bank(bank.name, _SOUNDS[bank.split], place, pairs, clips, str(one.seeds), page_of(one, folder))


def page_of(experiment: Experiment, folder: str | Path | None) -> str:
    """The address of an experiment's page as seen from a folder; "" where there is none, or it lies far away."""
    page = Path(os.path.abspath(experiment.folder)) / "index.html"
    if folder is None or not page.is_file():
        return ""
    path = os.path.relpath(page, os.path.abspath(folder))
    return quote(path) if path.split(os.sep).count(os.pardir) <= _LEVELS else ""


def _facts(one: Experiment) -> dict[str, str]:
    stated: Mapping[str, Any] = one.manifest
    training = ", ".join(map(str, one.config["training"]["seeds"]))
    facts = {
        "Folder": one.folder,
        "Commit": stated.get("git_commit"),
        "Versions": ", ".join(f"{name} {version}" for name, version in stated["versions"].items()),
        "Seed": one.config.get("seed"),
        "Seeds of training": training,
        "Protocols": ", ".join(one.protocols),
        "Digest of the settings": stated.get("config_digest"),
        "sha256 of intervals.csv": stated["outputs"].get(f"results/{stated['experiment']}/intervals.csv"),
        "sha256 of metrics.csv": stated["outputs"].get(f"results/{stated['experiment']}/metrics.csv"),
    }
    return {name: printable(str(value)) for name, value in facts.items() if value not in (None, "")}
