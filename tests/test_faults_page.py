"""docs/faults.md says of every fault which test causes it: these tests exist, as do all test files that pages name."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
ROWS = [
    re.split(r"(?<!\\)\|", line)[1:-1]
    for line in (ROOT / "docs" / "faults.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| fault |")
]


def named(text: str) -> set[tuple[str, str]]:
    """File and test of each name in a text; a name without a file is in that of the name before it."""
    found, file = set(), ""
    for path, test in re.findall(r"`(tests/[\w/]+\.py)?::(test_\w+)`", text):
        file = path or file
        found.add((file, test))
    return found


def functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].strip())
def test_every_fault_names_tests_that_exist(row):
    assert len(row) == 4
    tests = named(row[1])
    assert tests, "no test is named"
    assert len(tests) == len(re.findall(r"::\w+", row[1])), "a name that is not read"
    assert [f"{file}::{test}" for file, test in sorted(tests) if test not in functions(ROOT / file)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_of_tests_that_a_page_names_exist(page):
    names = re.findall(r"`(tests/[\w/.]+)", page.read_text(encoding="utf-8"))
    assert [name for name in names if not (ROOT / name).exists()] == []
