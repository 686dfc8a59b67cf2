"""Where a result came from: digests of code and files, versions, the manifest.

Snakemake reruns a job when its inputs, its parameters or its script change, but it does not see an edit in a module
that the script imports. `CodeDigest` closes the gap: a digest of the syntax trees of a script and of everything
first-party that it imports, directly or not. As a rule's parameter it makes exactly the touched jobs invalid; comments
and formatting are not part of a syntax tree, docstrings are left out, so none of them invalidates anything.
"""

import ast
import functools
import hashlib
import importlib.metadata
import json
import os
import platform
import shlex
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd

from igsed import modules
from igsed.checksums import file_digest
from igsed.errors import InputError
from igsed.jobs import integrity

PACKAGES = (
    "igsed", "torch", "torchaudio", "captum", "snakemake", "scaper", "numpy", "scipy", "pandas", "pyarrow",
    "matplotlib", "soundfile", "sed_eval",
)  # fmt: skip
"""Packages whose versions a manifest records."""

_SMALL = 100_000


class CodeDigest:
    """Digests of scripts together with the first-party modules they import.

    Parameters
    ----------
    root : path
        Folder that holds the package and the scripts.
    package : str
        Name of the first-party package; it must be importable.
    """

    def __init__(self, root: str | Path, package: str = "igsed"):
        import grimp  # here, because only the workflow needs it

        self.root, self.package = Path(root), package
        # A digest object is a snapshot: what it has once read stays as it was.
        self.graph = grimp.build_graph(package, cache_dir=None)
        self._fingerprint = functools.cache(_fingerprint)

    def modules(self, script: str | Path, *chosen: str) -> list[str]:
        """First-party modules that `script` (relative to the root) and the modules `chosen` import, directly or not.

        `chosen` names what a script picks at run time, by a name in the configuration: a backbone, an attribution
        method. First-party ones are part of the result, with what they import.
        """
        found, waiting = set(), set()
        for name in {*_imports(self.root / script), *chosen}:
            # `from package.module import function` and `from package import module` look alike in the tree.
            module = name if name in self.graph.modules else name.rpartition(".")[0]
            waiting |= {module} & self.graph.modules
        while waiting:
            found |= waiting
            # Importing a module runs the packages above it, and what those import.
            needed = {name.rpartition(".")[0] for name in waiting} - {""}
            needed |= {upstream for name in waiting for upstream in self.graph.find_modules_directly_imported_by(name)}
            waiting = needed - found
        return sorted(found)

    def __call__(self, script: str | Path, *chosen: str) -> str:
        """Digest of `script`, of the first-party modules it needs (see `modules`) and of all modules `chosen`."""
        names = sorted({*self.modules(script, *chosen), *chosen})
        sources = [self.root / script, *map(_module_file, names)]
        return hashlib.sha256("".join(map(self._fingerprint, sources)).encode()).hexdigest()[:16]


def _imports(path: Path) -> Iterable[str]:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _fingerprint(path: Path) -> str:
    if path.suffix != ".py":
        return file_digest(path)
    tree = _tree(path)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [
                statement
                for statement in node.body
                if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
            ]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def _module_file(name: str) -> Path:
    path = modules.module_file(name)
    if path is None:
        raise ModuleNotFoundError(f"module {name!r} has no source file")
    return path


def tree_digest(folder: str | Path, digest: Callable[[Path], str] = file_digest) -> str:
    """sha256 over the names and contents of all files below a folder, hexadecimal; hidden files are left out.

    `digest` gives the sha256 of a file.
    """
    folder, whole = Path(folder), hashlib.sha256()
    for path in integrity.files(folder):
        whole.update(f"{path.relative_to(folder).as_posix()}\0{digest(path)}\n".encode())
    return whole.hexdigest()


def digests(paths: Iterable[str | Path]) -> dict[str, str]:
    """sha256 of each file and folder, by its path."""
    return {str(path): (tree_digest if Path(path).is_dir() else file_digest)(path) for path in paths}


def inventory(paths: Iterable[str | Path]) -> str:
    """Short digest of files by name, size and time of change, those of up to 100 kB by name and content.

    It changes when a file is added, removed, renamed or written; no large file is read for it.

    Raises
    ------
    InputError
        A file is missing or cannot be looked at.
    """
    whole = hashlib.sha256()
    for path in sorted(map(os.fsencode, paths)):
        try:
            state = os.stat(path)
            content = file_digest(os.fsdecode(path)) if state.st_size <= _SMALL else state.st_mtime_ns
        except OSError as error:
            raise InputError(
                f"{os.fsdecode(path)}: cannot be read ({error.strerror}). Restore it, or correct the key that names it."
            ) from None
        whole.update(path + f"\0{state.st_size}\0{content}\n".encode())
    return whole.hexdigest()[:16]


def records(folder: str | Path) -> dict[str, str]:
    """sha256 of each record (`igsed.jobs.integrity`) in a folder of results, by the path of its output."""
    found = {integrity.recorded(record): file_digest(record) for record in integrity.records(folder)}
    return {str(path): found[path] for path in sorted(found)}


def differing(ours: dict, theirs: dict, _above: str = "") -> list[str]:
    """The settings in which two configurations differ, as `section.key`.

    >>> differing({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 1, "c": 4}})
    ['a.c', 'd']
    """
    found = []
    for key in {**ours, **theirs}:
        one, other = ours.get(key), theirs.get(key)
        if isinstance(one, dict) and isinstance(other, dict):
            found += differing(one, other, f"{_above}{key}.")
        elif one != other:
            found.append(f"{_above}{key}")
    return found


def recorded_settings(folder: str | Path) -> dict | None:
    """The settings that made an experiment's results, as its `manifest.json` states them; None without a manifest."""
    try:
        settings = json.loads(Path(folder, "manifest.json").read_bytes())["config"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return settings if isinstance(settings, dict) else None


def other_settings(folder: str | Path, settings: dict) -> list[str]:
    """In which settings an experiment differs from those that made what lies in its folder; none without a manifest."""
    made_with = recorded_settings(folder)
    return [] if made_with is None else differing(made_with, settings)


def check_settings(folder: str | Path, settings: dict) -> None:
    """Refuse to declare that results are those of an experiment which has other settings.

    Raises
    ------
    InputError
        The manifest in `folder` states other settings.
    """
    if keys := other_settings(folder, settings):
        raise InputError(
            f"{folder}: what lies there was made with other settings ({_some(keys)}), so it cannot be declared up to "
            "date (--touch). Run without --touch, or give the experiment a name of its own."
        )


def _some(keys: list[str]) -> str:
    return ", ".join(keys[:5]) + (", …" if len(keys) > 5 else "")


def value_digest(value) -> str:
    """Short sha256 of a JSON-able value; the order of keys does not matter."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def versions(packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """Installed versions of Python and of the packages named."""
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in packages}


def costs(folder: str | Path) -> dict[str, dict[str, float]]:
    """Wall time and memory of each rule, from Snakemake's benchmark files.

    Returns
    -------
    dict
        Rule → `jobs`, `seconds` (wall time summed over jobs), `peak_mb` (largest resident set of a job, MB; 0 where the
        job ended before it was measured).
    """
    result: dict[str, dict[str, float]] = {}
    for path in sorted(Path(folder).rglob("*.tsv")):
        rule = path.relative_to(folder).parts[0].removesuffix(".tsv")
        row = pd.read_csv(path, sep="\t", na_values=["-", "NA"]).iloc[0]
        cost = result.setdefault(rule, {"jobs": 0, "seconds": 0.0, "peak_mb": 0.0})
        cost["jobs"] += 1
        cost["seconds"] = round(cost["seconds"] + float(row["s"]), 2)
        cost["peak_mb"] = max(cost["peak_mb"], float(pd.to_numeric(row["max_rss"], errors="coerce") or 0))
    return result


def machine() -> dict[str, str | int | None]:
    """System, processor and number of usable cores."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"system": platform.platform(), "processor": model, "cores": cores}


def listing(folder: str | Path) -> str:
    """The tables, figures and reports in an experiment's results, as lines for the terminal.

    Raises
    ------
    InputError
        There are none.
    """
    patterns = ("index.html", "report.html", "tables/*.md", "figures/*.png", "metrics.csv", "manifest.json")
    folder = Path(folder)
    found = [path for pattern in patterns for path in sorted(folder.glob(pattern))]
    if not found:
        raise InputError(f"{folder}: there are no results yet. make run, or make run EXPERIMENT=<file>, makes them.")
    lines = [f"{folder} holds:", *(f"  {path}" for path in found)]
    if (folder / "manifest.json").exists() and not (folder / "report.html").exists():
        lines.append(without_report(folder))
    return "\n".join(lines)


def without_report(folder: Path) -> str:
    """What to tell of a finished experiment without a report."""
    made_with, page = (shlex.quote(str(folder / name)) for name in ("config.yaml", "report.html"))
    command = f"snakemake --report {page} --configfile {made_with} --cores 1"
    return f"The report is missing, because the run was cut short before it. This makes it: {command}"


def gpus() -> int:
    """Number of NVIDIA GPUs that this machine can use."""
    try:
        listing = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=True, timeout=30).stdout
    except (OSError, subprocess.SubprocessError):
        return 0
    return sum(line.startswith("GPU ") for line in listing.splitlines())


def put_first(root: str | Path) -> None:
    """Let the processes that this one starts import the package of the checkout at `root`, not an installed one."""
    others = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(root), others]))


def git_commit(root: str | Path) -> tuple[str | None, str | None]:
    """The commit of the checkout at `root`, and why it could not be found out.

    Returns
    -------
    commit : str or None
        With "+changes" where tracked files differ. None outside a checkout, or where git refuses.
    problem : str or None
        What git refuses, and what to do; None where there is a commit, or nothing to ask git for.
    """
    run = functools.partial(subprocess.run, cwd=root, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    try:
        head = run(["git", "rev-parse", "HEAD"])
        if head.returncode:
            outside = not any(Path(folder, ".git").exists() for folder in (root, *Path(root).resolve().parents))
            return None, None if outside else _refusal(head.stderr, root)
        status = run(["git", "status", "--porcelain", "-uno"])
    except OSError as error:
        there = Path(root, ".git").exists()
        return None, f"the commit is not recorded, because git cannot be run: {error}. Install git." if there else None
    if status.returncode:
        return head.stdout.strip(), _refusal(status.stderr, root)
    return head.stdout.strip() + ("+changes" if status.stdout.strip() else ""), None


def _refusal(answer: str, root: str | Path) -> str:
    reason = (answer.strip().splitlines() or ["no reason given"])[0].removeprefix("fatal: ")
    remedy = "See what `git status` says there."
    if "dubious ownership" in answer:
        place = shlex.quote(str(Path(root).resolve()))
        remedy = f"If you trust this folder: git config --global --add safe.directory {place}"
    return f"the commit is not recorded, because git refuses to tell it ({reason}). {remedy}"
