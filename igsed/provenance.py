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

import grimp
import pandas as pd

from igsed import integrity, modules
from igsed.checksums import file_digest
from igsed.errors import InputError

PACKAGES = (
    "igsed", "torch", "torchaudio", "captum", "snakemake", "scaper", "numpy", "scipy", "pandas", "pyarrow",
    "matplotlib", "soundfile", "sed_eval",
)  # fmt: skip
"""Packages whose versions a manifest records."""


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
    result = {}
    for path in sorted(Path(folder).rglob("*.tsv")):
        rule = path.relative_to(folder).parts[0].removesuffix(".tsv")
        row = pd.read_csv(path, sep="\t", na_values=["-", "NA"]).iloc[0]
        cost = result.setdefault(rule, {"jobs": 0, "seconds": 0.0, "peak_mb": 0.0})
        cost["jobs"] += 1
        cost["seconds"] = round(cost["seconds"] + float(row["s"]), 2)
        cost["peak_mb"] = max(cost["peak_mb"], float(pd.to_numeric(row["max_rss"], errors="coerce") or 0))
    return result


def machine() -> dict[str, str | int]:
    """System, processor and number of usable cores."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"system": platform.platform(), "processor": model, "cores": cores}


def listing(folder: str | Path, configfiles: Iterable[str | Path] = ("config.yaml",)) -> str:
    """The tables, figures and reports in an experiment's results, as lines for the terminal.

    `configfiles` are those of the experiment, for the command that makes what is missing.

    Raises
    ------
    InputError
        There are none.
    """
    patterns = ("tables/*.md", "figures/*.png", "metrics.csv", "manifest.json", "report.html")
    folder, names = Path(folder), " ".join(map(str, configfiles))
    found = [path for pattern in patterns for path in sorted(folder.glob(pattern))]
    if not found:
        command = "make run" if names == "config.yaml" else f"make run EXPERIMENT={shlex.quote(names)}"
        raise InputError(f"{folder}: there are no results yet. This makes them: {command}")
    lines = [f"\n{folder} holds:", *(f"  {path}" for path in found)]
    if (folder / "manifest.json").exists() and not (folder / "report.html").exists():
        command = f"snakemake --report {folder}/report.html --configfile {names} --cores 1"
        lines.append(f"The report is missing, because the run was cut short before it. This makes it: {command}")
    return "\n".join(lines)


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


def git_commit(root: str | Path) -> str | None:
    """The commit of the checkout at `root`, with "+changes" where tracked files differ; None outside git."""
    try:
        run = functools.partial(subprocess.run, cwd=root, capture_output=True, text=True, check=True)
        commit = run(["git", "rev-parse", "HEAD"]).stdout.strip()
        return commit + ("+changes" if run(["git", "status", "--porcelain", "-uno"]).stdout.strip() else "")
    except (OSError, subprocess.CalledProcessError):
        return None
