"""What `igsed explain` does (`igsed.commands.explain` declares it)."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import os
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from igsed.errors import InputError
from igsed.explaining import explain, folders, formats, wording
from igsed.explaining.results import FLOOR, Explained
from igsed.jobs.console import progress
from igsed.names import printable

_DEFAULT_FORMATS = ("audacity", "png", "html")
_OWN = frozenset(inspect.signature(explain).parameters) - {"settings"}
_DEFAULT_OUT = Path("explained")


def _floor(options) -> float:
    return FLOOR if options.floor is None else options.floor


def run(options) -> int:
    """Do what is asked; 1 where a recording could not be explained.

    Raises
    ------
    InputError
        What is asked is not possible for any recording.
    """
    if options.jobs < 1:
        raise InputError(f"--jobs {options.jobs}: give 1 or more.")
    settings = _settings(options.set)
    if taken := settings.keys() & _OWN:
        raise InputError(f"--set {min(taken)}=…: is no setting of a method here. Use the option of that name.")
    names = _formats(options.format)
    out = options.out or (_DEFAULT_OUT if options.format else None)
    todo = [] if options.labels else folders.tasks(options.places, out)
    if not (todo or options.labels):
        raise InputError("no recording is named. Name sound files or folders; igsed explain --help says more.")
    from igsed.explaining import models

    model, method = _checked(options, settings)
    if options.labels:
        print("\n".join(map(printable, model.labels)))
        return 0
    arguments = {
        "labels": options.label,
        "method": options.method,
        "threshold": options.threshold,
        "gap": options.gap,
        "minimum": options.minimum,
        "floor": _floor(options),
        "control": not options.no_control,
        **settings,
    }
    made_by = models.digest(model, method) if out else ""
    wish = folders.Wish(options.model, options.seed, arguments, names, options.force, made_by)
    done = folders.run(todo, wish, options.jobs, model)
    return _told(progress(done, "explaining recordings", len(todo)), len(todo), out)


def _formats(wanted: Sequence[str] | None) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(wanted or _DEFAULT_FORMATS))
    for name in names:
        formats.find(name)
    if "png" in names and importlib.util.find_spec("matplotlib") is None:
        if wanted:
            raise InputError("format png: matplotlib, which draws it, is not installed. pip install matplotlib.")
        print(
            "note: no pictures, and pages without spectrograms, since matplotlib is not installed "
            "(pip install matplotlib)",
            file=sys.stderr,
        )
        return tuple(name for name in names if name != "png")
    return names


def _checked(options, settings: dict[str, Any]):
    """The model and the method, after looking at everything that no recording is needed for."""
    from igsed.explaining import labels, methods, models, results

    folder = Path(options.model)
    entries = methods.entries(models.configuration(folder)) if os.path.isdir(folder) else {}
    method = methods.chosen(options.method, settings, entries)
    results.rule(options.threshold, options.gap, options.minimum, _floor(options))
    model = models.load(options.model, options.seed)
    labels.chosen(options.label, model.labels)
    return model, method


def _told(finished: Iterator[folders.Done], count: int, out: Path | None) -> int:
    failed, passed, wrote, accuracy = [], 0, 0, ""
    for done in finished:
        if done.problem:
            failed.append(done)
            if count == 1:
                continue
            print(f"ERROR: {done.problem}", file=sys.stderr)
        elif done.found is None:
            passed += 1
        else:
            wrote, accuracy = wrote + 1, done.found.accuracy
            print(table(done.found), flush=True)
    if accuracy:
        print("\n".join(textwrap.wrap(accuracy, max(40, _width()))))
    if passed:
        print(f"{passed} of {count} recordings had been explained before (--force to do it again).")
    if out is not None and wrote:
        print(f"written to {printable(str(out))}")
    if failed and count == 1:
        print(f"ERROR: {failed[0].problem}", file=sys.stderr)
    elif failed:
        listed = "\n".join(f"  - {done.task.sound}" for done in failed)
        print(f"ERROR: {len(failed)} of {count} recordings could not be explained:\n{listed}", file=sys.stderr)
    return int(bool(failed))


def table(found: Explained, width: int | None = None) -> str:
    """What is shown of an explanation in a terminal of so many columns (its own number by default)."""
    width = width or _width()
    shown = found.labels[found.labels["explained"]]
    has_spread = (shown["high"] > shown["low"]).any()
    rows, notes = [], []
    for row in shown.itertuples():
        own = found.events[found.events["label"] == row.label]
        rows.append((row.label, wording.probability(row, has_spread), wording.times(own)))
        notes += [f"{row.label}: {text}." for text in own["note"].unique() if text]
    edge = [max(len(row[k]) for row in [*rows, ("class", "probability", "")]) for k in (0, 1)]
    lines = [f"{found.name} ({wording.clock(found.duration)}), {found.model}, {found.method}"]
    for label, probability, when in [("class", "probability", "times / s (confidence)"), *rows]:
        first = f"  {label:<{edge[0]}}  {probability:<{edge[1]}}  "
        lines += _wrapped(first, when.split("  "), width)
    lines += [f"  Note: {text}" for text in notes]
    return "\n".join(map(printable, lines))


def _width() -> int:
    return shutil.get_terminal_size((100, 24)).columns


def _wrapped(first: str, parts: Sequence[str], width: int) -> list[str]:
    """Parts side by side behind `first`, on as many lines as they need."""
    lines = [first]
    for part in parts:
        if lines[-1].strip() and len(lines[-1]) + len(part) > width and len(lines[-1]) > len(first):
            lines.append(" " * len(first))
        lines[-1] += f"{part}  "
    return [line.rstrip() for line in lines]


def _settings(given: Sequence[str]) -> dict[str, Any]:
    """Settings of KEY=VALUE: numbers, lists, true, false, null, else words."""
    words = {"true": True, "false": False, "null": None, "none": None}
    found: dict[str, Any] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not (equals and key.isidentifier()):
            raise InputError(f"--set {text}: give KEY=VALUE, such as n_steps=16.")
        if value.lower() in words:
            found[key] = words[value.lower()]
            continue
        try:
            found[key] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            found[key] = value
    return found
