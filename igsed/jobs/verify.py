"""Whether an experiment's results still are what the workflow made.

Compared are all outputs that have a record (`igsed.jobs.integrity`), and what `manifest.json` names: its inputs, the
final outputs, the records that there were, and the settings, which `config.yaml` repeats. What fits its record and not
the manifest was made again since, perhaps with other settings; a whole run renews the manifest.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import yaml

from igsed.checksums import file_digest
from igsed.errors import InputError
from igsed.jobs import integrity, runs
from igsed.jobs.provenance import differing, tree_digest


class Problem(NamedTuple):
    """A file, what is wrong with it, and the output to delete so that a run makes it anew (None: a run suffices)."""

    path: Path
    what: str
    remove: Path | None


class Verdict(NamedTuple):
    """Number of files compared, problems, outputs deleted since they were recorded, and made since the manifest was."""

    files: int
    problems: list[Problem]
    deleted: list[Path]
    added: list[Path]


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
    records = integrity.records(folder)
    manifest, problems = _manifest(folder)
    if not records and not manifest.digests and not problems:
        raise InputError(f"{folder}: holds neither records nor a manifest.json, so there is nothing to compare with.")
    outputs = {integrity.recorded(record) for record in records}
    present = sorted(path for path in outputs | set(manifest.digests) if path.exists())
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
    newer = "newer than manifest.json"
    for path, expected in manifest.digests.items():
        if not path.exists() and folder in path.parents:
            problems.append(Problem(path, "missing", None))
        elif path.exists() and path not in damaged:
            actual = tree_digest(path, digests.__getitem__) if path.is_dir() else digests[path]
            if actual != expected:
                known = path in outputs
                problems.append(Problem(path, newer if known else "changed", None if known else path))
    named = damaged | {problem.path for problem in problems}
    problems += [
        Problem(output, newer, None)
        for output, expected in manifest.records.items()
        if output in outputs - named and output.exists() and file_digest(integrity.record_of(output)) != expected
    ]
    settings = folder / "config.yaml"
    if settings not in damaged and (keys := _contradictions(settings, manifest.settings)):
        problems.append(Problem(settings, f"states other settings than manifest.json ({keys})", settings))
    problems += [Problem(path, "left half-written by a killed job", path) for path in sorted(folder.rglob(".part-*"))]
    added = outputs - set(manifest.records) - set(manifest.digests) - {folder / "manifest.json", settings}
    return Verdict(
        len(files),
        problems,
        sorted(path for path in outputs - set(manifest.digests) if not path.exists()),
        sorted(path for path in added if path.exists()) if manifest.records else [],
    )


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


class _Manifest(NamedTuple):
    """What a manifest states: path → digest of inputs and final outputs, output → digest of its record, settings."""

    digests: dict[Path, str]
    records: dict[Path, str]
    settings: dict | None


def _manifest(folder: Path) -> tuple[_Manifest, list[Problem]]:
    path = folder / "manifest.json"
    if not path.exists():
        return _Manifest({}, {}, None), []
    try:
        stated = json.loads(path.read_bytes())
        own, named = f"results/{stated['experiment']}/", {**stated["inputs"], **stated["outputs"]}
        records, settings = dict(stated.get("records", {})), stated.get("config")
    except (ValueError, KeyError, TypeError):
        return _Manifest({}, {}, None), [Problem(path, "changed", path)]

    # The project's folder, in which the paths of a manifest begin, is the second above the results.
    def here(name: str) -> Path:
        return folder / name.removeprefix(own) if name.startswith(own) else folder.parent.parent / name

    return _Manifest({here(k): v for k, v in named.items()}, {here(k): v for k, v in records.items()}, settings), []


def _contradictions(path: Path, settings: dict | None) -> str:
    """The settings in which a `config.yaml` differs from the manifest's, in words; empty where there are none."""
    if settings is None or not path.exists():
        return ""
    try:
        stated = yaml.safe_load(path.read_bytes())
    except (OSError, ValueError, yaml.YAMLError):
        return "it cannot be read"
    # As JSON, which the manifest is: it knows no tuples.
    keys = differing(settings, json.loads(json.dumps(stated))) if isinstance(stated, dict) else ["it has no keys"]
    return ", ".join(keys[:5]) + (", …" if len(keys) > 5 else "")


def _digest(path: Path) -> str:
    try:
        return file_digest(path)
    except OSError as error:
        return f"unreadable: {error}"
