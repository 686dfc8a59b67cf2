"""Jobs that need no torch do not import it: a module that imports torch is imported only by such that do so too."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = {"torch", "torchaudio", "captum"}


def imported(path: Path) -> set[str]:
    """What a file imports when it is itself imported: not what its functions import when they are called."""
    names: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        for node in ast.iter_child_nodes(waiting.pop()):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
            elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and not (
                isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
            ):
                waiting.append(node)
    return names


def module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


IMPORTS = {module(path): imported(path) for path in sorted((ROOT / "igsed").rglob("*.py"))}
DIRECTLY = {name for name, names in IMPORTS.items() if HEAVY & {other.partition(".")[0] for other in names}}
# A module's package is imported before it, so what lies in a package that needs torch needs it too.
NEEDS_TORCH = {name for name in IMPORTS if any(name == other or name.startswith(f"{other}.") for other in DIRECTLY)}
SCRIPTS = sorted((ROOT / "workflow" / "scripts").glob("*.py"))


def test_only_modules_that_need_torch_import_one_that_does():
    loaders = {
        (name, other)
        for name, names in IMPORTS.items()
        for other in names & NEEDS_TORCH
        if name not in NEEDS_TORCH and not other.startswith(f"{name}.")
    }
    assert loaders == set()
    assert {"igsed.attribution", "igsed.backbones.yamnet.network", "igsed.features", "igsed.heads"} <= NEEDS_TORCH


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_loads_torch_only_where_it_says_so(script):
    """The imports of each script, in a process of their own."""
    names = sorted(name for name in imported(script) if "." not in name or name.startswith("igsed"))
    needed = bool((NEEDS_TORCH | HEAVY) & set(names)) or any(n in NEEDS_TORCH for n in names)
    if needed:
        pytest.skip("this job needs a network")
    tree = ast.parse(script.read_text(encoding="utf-8"))
    lines = [ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    code = "\n".join([*lines, "import sys", f"print({HEAVY!r} & set(sys.modules))"])
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
