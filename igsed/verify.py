"""Whether an experiment's results still are what the workflow made.

Compared are all outputs that have a record (`igsed.integrity`), and what `manifest.json` names, its inputs and final
outputs. A final output that fits its record and not the manifest was made again since; a run renews the manifest.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from igsed import integrity, runs
from igsed.checksums import file_digest
from igsed.errors import InputError
from igsed.provenance import tree_digest


class Problem(NamedTuple):
    """A file, what is wrong with it, and the output to delete so that a run makes it anew (None: a run suffices)."""

    path: Path
    what: str
    remove: Path | None


class Verdict(NamedTuple):
    """Number of files compared, problems, and outputs that have a record but were deleted since."""

    files: int
    problems: list[Problem]
    deleted: list[Path]


def verify(folder: str | Path, progress: Callable[[Iterable], Iterable] = iter) -> Verdict:
    """Compare the files of an experiment's results with their records and the manifest.

    Parameters
    ----------
    folder : path
        ``results/<experiment>``, here or wherever it was moved to.
    progress : callable
        Wraps the files while they are read.

    Raises
    ------
    InputError
        There is no such folder, or nothing in it to compare with.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder. Give the results of an experiment, such as results/default.")
    records = [path for path in sorted(folder.rglob(".*.sha256")) if not path.name.startswith(".part-")]
    listed, problems = _manifest(folder)
    if not records and not listed and not problems:
        raise InputError(f"{folder}: holds neither records nor a manifest.json, so there is nothing to compare with.")
    outputs = {integrity.recorded(record) for record in records}
    present = sorted(path for path in outputs | set(listed) if path.exists())
    files = dict.fromkeys(file for output in present for file in integrity.files(output))
    digests = {file: _digest(file) for file in progress(list(files))}

    for output in sorted(outputs & set(present)):
        try:
            found = integrity.damages(output, digests.__getitem__)
        except InputError:
            problems.append(Problem(integrity.record_of(output), "changed", output))
            continue
        problems += [Problem(damage.path, damage.what, output) for damage in found]
    damaged = {problem.remove for problem in problems}
    for path, expected in listed.items():
        if not path.exists() and folder in path.parents:
            problems.append(Problem(path, "missing", None))
        elif path.exists() and path not in damaged:
            actual = tree_digest(path, digests.__getitem__) if path.is_dir() else digests[path]
            if actual != expected:
                known = path in outputs
                problems.append(
                    Problem(path, "newer than manifest.json" if known else "changed", None if known else path)
                )
    problems += [Problem(path, "left half-written by a killed job", path) for path in sorted(folder.rglob(".part-*"))]
    return Verdict(len(files), problems, sorted(path for path in outputs - set(listed) if not path.exists()))


def remove(problems: Iterable[Problem], project: Path) -> list[Path]:
    """Delete the outputs that have problems, each whole and with its record, and return them.

    The next run makes them anew where `project` is a checkout that has run, and not only moved results.
    """
    outputs = sorted({problem.remove for problem in problems if problem.remove})
    if (project / ".snakemake").is_dir():
        runs.plan((os.path.relpath(path, project) for path in outputs), project)
    for output in outputs:
        if output.is_dir():
            shutil.rmtree(output)
        else:
            output.unlink(missing_ok=True)
        integrity.record_of(output).unlink(missing_ok=True)
    return outputs


def _manifest(folder: Path) -> tuple[dict[Path, str], list[Problem]]:
    """What the manifest names, as path → digest."""
    path = folder / "manifest.json"
    if not path.exists():
        return {}, []
    try:
        manifest = json.loads(path.read_bytes())
        own, named = f"results/{manifest['experiment']}/", {**manifest["inputs"], **manifest["outputs"]}
    except (ValueError, KeyError, TypeError):
        return {}, [Problem(path, "changed", path)]
    # The project's folder, in which the paths of a manifest begin, is the second above the results.
    return {
        folder / name.removeprefix(own) if name.startswith(own) else folder.parent.parent / name: digest
        for name, digest in named.items()
    }, []


def _digest(path: Path) -> str:
    try:
        return file_digest(path)
    except OSError as error:
        return f"unreadable: {error}"
