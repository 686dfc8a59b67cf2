"""Print the results of an experiment.

The table of the detectors, methods first and controls below, the answer in sentences, and the page to open. Without a
name it is the experiment that was finished last.
"""

import argparse
import os
import sys
import textwrap
from pathlib import Path

from igsed.errors import InputError, suggestion

EXAMPLES = ("", "free_sounds --split recordings", "results/default --protocol shared", "default --files")
_NEEDED = ("config.yaml", "intervals.csv", "metrics.csv", "ranking.csv")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "experiment", nargs="?", help="a name under results/, or a folder (default: the one finished last)"
    )
    parser.add_argument(
        "--protocol", metavar="NAME", help="whose pairs and thresholds; adds IoU and F1 (default: the first, without)"
    )
    parser.add_argument(
        "--split", choices=["test", "recordings"], default="test", help="synthetic test clips, or real recordings"
    )
    parser.add_argument("--files", action="store_true", help="only list the tables, figures and reports")


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    folder = find(options.experiment, finished=not options.files)
    if options.files:
        from igsed.jobs import provenance

        print(provenance.listing(folder))
        return 0
    print(text(folder, options.protocol, options.split))
    return 0


def find(experiment: str | None, finished: bool = True, results: Path = Path("results")) -> Path:
    """The folder of an experiment: what was named, or the one of the newest `manifest.json`.

    Parameters
    ----------
    experiment : str, optional
        A folder, or a name below `results`.
    finished : bool
        Whether its run must have finished.
    results : path

    Raises
    ------
    InputError
        There is none, or its run has not finished.
    """
    manifests = sorted(results.glob("*/manifest.json"), key=lambda path: path.stat().st_mtime)
    if experiment is None:
        if not manifests:
            raise InputError(f"{results}: there is no finished experiment yet. This makes one: make run")
        return manifests[-1].parent
    folder = next((p for p in (Path(experiment), results / experiment) if (p / "manifest.json").exists()), None)
    folder = folder or (results / experiment if os.sep not in experiment else Path(experiment))
    if not folder.is_dir():
        names = [path.parent.name for path in manifests]
        there = f" There are {', '.join(sorted(names))}." if names else " There is none yet."
        raise InputError(
            f"{folder}: there is no such experiment{suggestion(experiment, names)}.{there} "
            "`make run` makes the default one, make run EXPERIMENT=<file> another."
        )
    if finished and not (folder / "manifest.json").exists():
        raise InputError(
            f"{folder}: there is no manifest.json, so its run has not finished. Run it again (make run "
            "EXPERIMENT=<its file>); what is done is kept. `igsed show --files` lists what is there."
        )
    return folder


def text(folder: Path, protocol: str | None = None, split: str = "test") -> str:
    """The results of an experiment for this terminal.

    Raises
    ------
    InputError
        A file, the protocol or the split is missing.
    """
    import pandas as pd

    from igsed import config
    from igsed.jobs import provenance
    from igsed.report import answer, tables, terminal

    if missing := [name for name in _NEEDED if not (folder / name).exists()]:
        raise InputError(
            f"{folder}: there is no {', no '.join(missing)}, so these are results of another version of igsed, or "
            "something was deleted. Run it again."
        )
    settings = config.load(config.merge([folder / "config.yaml"]), [folder / "config.yaml"])
    intervals, metrics, ranks = (pd.read_csv(folder / f"{name}.csv") for name in ("intervals", "metrics", "ranking"))
    protocols = settings.evaluation.protocols
    chosen = protocol or settings.evaluation.main_protocols[0]
    if chosen not in protocols:
        raise InputError(
            f"{folder}: there is no protocol {chosen!r}{suggestion(chosen, protocols)}. There are "
            f"{', '.join(protocols)}."
        )
    here = intervals[(intervals["split"] == split) & (intervals["protocol"] == chosen)]
    if not len(here):
        has = ", ".join(dict.fromkeys(intervals["split"]))
        raise InputError(f"{folder}: there are no results of {split} under {chosen}. There are results of {has}.")
    path = folder / "tables" / "baselines.csv"
    foreign = tables.marked(pd.read_csv(path)) if path.exists() else []
    below = [name for name in settings.detector_names if name in settings.controls or name not in settings.ranked]
    columns = [*terminal.COLUMNS[:1], *terminal.THRESHOLDED, *terminal.COLUMNS[1:]] if protocol else terminal.COLUMNS
    width, styled = terminal.columns_of_terminal(), _styled()
    place = ranks[(ranks["split"] == split) & (ranks["metric"] == "borda")].set_index("detector")["value"]
    order = sorted(settings.detector_names, key=lambda name: -place.get(name, float("-inf")))
    where = {"test": "synthetic test clips", "recordings": "real recordings"}[split]
    count = len(settings.training.seeds)
    head = f"{settings.experiment}: {where}, {count} {'seed' if count == 1 else 'seeds'}"
    table = terminal.table(here, order, below, columns, foreign, width, styled)
    parts = [
        textwrap.fill(head + (f", protocol {chosen}" if protocol else ""), width),
        table,
        terminal.notes(here, columns, below, foreign, width, bracketed=" [" in table),
    ]
    told = answer.sentences(intervals, metrics, chosen, settings.explanations, settings.evaluation.shared_from, split)
    if told:
        parts.append(textwrap.fill(" ".join(told), width))
    pages = [folder / name for name in ("index.html", "report.html") if (folder / name).exists()]
    parts.append(f"Open {pages[0]}" if pages else provenance.without_report(folder))
    return "\n\n".join(parts)


def _styled() -> bool:
    """Whether the terminal may be sent codes for bold and dim text."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") in (None, "", "dumb")
    return sys.stdout.isatty() and not plain
