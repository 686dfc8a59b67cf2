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
from igsed.explaining.results import FLOOR
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
    if own := settings.keys() & _OWN:
        raise InputError(f"--set {min(own)}=…: is no setting of a method here. Use the option of that name.")
    names = _formats(options.format)
    out = options.out or (_DEFAULT_OUT if options.format else None)
    if out and (taken := [place for place in (out, *out.parents) if os.path.isfile(place)]):
        raise InputError(f"{taken[0]}: is a file, so nothing can be written below it. Name a folder (--out).")
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
    return _told(progress(done, "explaining recordings", len(todo)), len(todo), names, out)


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
    model.check(method)
    return model, method


def _told(finished: Iterator[folders.Done], count: int, names: Sequence[str], out: Path | None) -> int:
    failed: list[folders.Done] = []
    there: list[Path] = []
    passed, last = 0, None
    for done in finished:
        if done.problem:
            failed.append(done)
            if count == 1:
                continue
            print(f"ERROR: {done.problem}", file=sys.stderr)
            continue
        if done.found is None:
            passed += 1
        else:
            last = done.found
            print(wording.table(last, max(40, _width())), flush=True)
        if done.task.output is not None:
            there.append(done.task.output)
    if last is not None:
        origin = last.settings["origin"]
        for text in filter(None, (f"Method: {origin}." if origin else "", last.accuracy)):
            print("\n".join(textwrap.wrap(printable(text), max(40, _width()))))
    if passed:
        print(f"{passed} of {count} recordings had been explained before (--force to do it again).")
    if out is not None and there:
        print(_opened(sorted(there), names, out))
    if failed and count == 1:
        print(f"ERROR: {failed[0].problem}", file=sys.stderr)
    elif failed:
        listed = "\n".join(f"  - {done.task.sound}" for done in failed)
        print(f"ERROR: {len(failed)} of {count} recordings could not be explained:\n{listed}", file=sys.stderr)
    return int(bool(failed))


def _width() -> int:
    return shutil.get_terminal_size((100, 24)).columns


def _opened(outputs: Sequence[Path], names: Sequence[str], out: Path) -> str:
    """What to open of what lies there: pages, else pictures; where there are none, what was written."""
    kind = next((name for name in ("html", "png") if name in names), "")
    files = [path for output in outputs for path in folders.outputs(output, [kind] if kind else names)]
    if kind:
        more = f", and {len(files) - 1} more in {out}" if len(files) > 1 else ""
        return printable(f"Open {files[0]}{more}")
    if len(outputs) == 1:
        return printable(f"Written: {', '.join(map(str, files))}")
    return printable(f"Written: {len(files)} files in {out}, such as {files[0]}")


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
