"""Digests of code follow what code does, on a package made for the purpose; digests of files, costs, versions."""

import importlib
import itertools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from igsed.errors import InputError
from igsed.jobs import provenance

SOURCES = {
    "{package}/__init__.py": "CONSTANT = 1\n",
    "{package}/direct.py": "import os\nfrom {package}.deep.inner import double\n\ndef run():\n    return double(2)\n",
    "{package}/deep/__init__.py": "from {package} import beside\n",
    "{package}/deep/inner.py": '''\
"""Doubles."""


class Doubler:
    """A class."""

    def double(self, value):
        """Twice the value."""
        # Not a loop.
        return 2 * (value + 0)


def double(value):
    return Doubler().double(value)
''',
    "{package}/beside.py": "SIDE = 1\n",
    "{package}/lazy.py": "LAZY = 1\n",
    "{package}/other.py": "OTHER = 1\n",
    "{package}/chosen.py": "from {package} import other\n",
    "scripts/run.py": '''\
"""A script."""

import json

from {package} import direct

def late():
    from {package}.lazy import LAZY

print(direct.run(), "now")
''',
    "scripts/alone.py": "import json\n",
}
numbers = itertools.count()


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A throw-away package with scripts; `edit` changes a file, `digest` looks with fresh eyes."""

    class Project:
        root, package = tmp_path, f"throwaway_{next(numbers)}"

        def path(self, name):
            return self.root / name.format(package=self.package)

        def edit(self, name, old, new):
            text = self.path(name).read_text()
            assert text.count(old) == 1, (old, text)
            self.path(name).write_text(text.replace(old, new))

        def code(self):
            importlib.invalidate_caches()
            return provenance.CodeDigest(self.root, self.package)

        def digest(self, script="scripts/run.py", *chosen):
            return self.code()(script, *(name.format(package=self.package) for name in chosen))

    made = Project()
    for name, text in SOURCES.items():
        made.path(name).parent.mkdir(parents=True, exist_ok=True)
        made.path(name).write_text(text.replace("{package}", made.package))
    monkeypatch.syspath_prepend(tmp_path)
    return made


INNER = "{package}/deep/inner.py"
MEANINGLESS = {
    "comment": (INNER, "# Not a loop.", "# Neither a loop nor a recursion."),
    "comment at the end of a line": (INNER, "value + 0)", "value + 0)  # plus nothing"),
    "module docstring": (INNER, '"""Doubles."""', '"""Doubles numbers.\n\nAnd says so.\n"""'),
    "no docstring": (INNER, '"""Doubles."""', ""),
    "class docstring": (INNER, '    """A class."""\n', ""),
    "function docstring": (INNER, "Twice the value.", "Two times it."),
    "parentheses and spaces": (INNER, "2 * (value + 0)", "(2*(value+0))"),
    "line breaks": (INNER, "2 * (value + 0)", "2 * (\n            value\n            + 0\n        )"),
    "quotes": ("scripts/run.py", '"now"', "'now'"),
    "script's docstring": ("scripts/run.py", "A script.", "The script."),
    "script's comment": ("scripts/run.py", "import json", "import json  # unused"),
}


@pytest.mark.parametrize("edit", MEANINGLESS.values(), ids=MEANINGLESS)
def test_edit_without_meaning_keeps_the_digest(project, edit):
    before = project.digest()
    project.edit(*edit)
    assert project.digest() == before


MEANINGFUL = {
    "script": ("scripts/run.py", '"now"', '"later"'),
    "direct import": ("{package}/direct.py", "double(2)", "double(3)"),
    "transitive import": (INNER, "2 * (", "3 * ("),
    "import within a function": ("{package}/lazy.py", "LAZY = 1", "LAZY = 2"),
    "package above": ("{package}/__init__.py", "CONSTANT = 1", "CONSTANT = 2"),
    "package above an import": ("{package}/deep/__init__.py", "\n", "\nNEW = 1\n"),
    "import of a package above": ("{package}/beside.py", "SIDE = 1", "SIDE = 2"),
    "name": (INNER, "class Doubler:", "class Twice:"),
    "string that is used": (INNER, '    """A class."""\n', '    kind = "A class."\n'),
}


@pytest.mark.parametrize("edit", MEANINGFUL.values(), ids=MEANINGFUL)
def test_edit_with_meaning_changes_the_digest(project, edit):
    before = project.digest()
    project.edit(*edit)
    assert project.digest() != before


def test_unrelated_edits_keep_the_digest(project):
    before, alone = project.digest(), project.digest("scripts/alone.py")
    project.edit("{package}/other.py", "1", "2")
    project.edit("{package}/chosen.py", "other", "beside")
    assert project.digest() == before
    project.edit("{package}/__init__.py", "1", "2")
    assert project.digest("scripts/alone.py") == alone


def test_chosen_module_and_its_imports_count(project):
    chosen = "scripts/run.py", "{package}.chosen"
    before, without = project.digest(*chosen), project.digest()
    assert before != without
    project.edit("{package}/other.py", "1", "2")
    assert project.digest(*chosen) != before
    again = project.digest(*chosen)
    project.edit("{package}/chosen.py", "other", "beside")
    assert project.digest(*chosen) != again
    assert project.digest() == without


def test_chosen_module_from_elsewhere_counts(project):
    module = project.root / f"own_{project.package}.py"
    module.write_text("A = 1\n")
    before = project.digest("scripts/run.py", module.stem)
    module.write_text("A = 1  # one\n")
    assert project.digest("scripts/run.py", module.stem) == before
    module.write_text("A = 2\n")
    assert project.digest("scripts/run.py", module.stem) != before
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        project.digest("scripts/run.py", "no_such_module")


def test_imported_modules_are_listed(project):
    name = project.package
    expected = ["", ".beside", ".deep", ".deep.inner", ".direct", ".lazy"]
    assert project.code().modules("scripts/run.py") == [name + suffix for suffix in expected]
    assert project.code().modules("scripts/alone.py") == []


def test_long_lived_process_sees_edits_through_a_new_object(project):
    first = project.code()
    before = first("scripts/run.py")
    project.edit(INNER, "2 * (", "3 * (")
    assert first("scripts/run.py") == before
    assert project.code()("scripts/run.py") != before


def test_scripts_of_the_workflow_need_what_they_should():
    code = provenance.CodeDigest(provenance.Path(__file__).parents[2])
    figure = code.modules("workflow/scripts/figure_thresholds.py")
    assert "igsed.report.figures" in figure
    assert not {"igsed.heads", "igsed.mixtures", "igsed.attribution"} & set(figure)
    mixtures = code.modules("workflow/scripts/mix.py")
    assert {"igsed.mixtures", "igsed.seeds", "igsed.soundbanks.soundbank"} <= set(mixtures)
    assert not {"igsed.attribution", "igsed.report.figures", "igsed.metrics"} & set(mixtures)
    attribute = code.modules("workflow/scripts/attribute.py", "igsed.attribution.ig_captum")
    assert {"igsed.attribution", "igsed.attribution.ig_captum", "igsed.classifier"} <= set(attribute)
    assert not {"igsed.heads", "igsed.mixtures", "igsed.report.figures", "igsed.metrics"} & set(attribute)


def test_file_digest_is_sha256(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert provenance.file_digest(tmp_path / "abc") == known
    assert provenance.digests([tmp_path / "abc"]) == {str(tmp_path / "abc"): known}


def test_tree_digest_follows_names_and_contents(tmp_path):
    folder = tmp_path / "tree"
    (folder / "sub").mkdir(parents=True)
    (folder / "a").write_text("1")
    (folder / "sub" / "b").write_text("2")
    before = provenance.tree_digest(folder)
    assert provenance.digests([folder]) == {str(folder): before}
    (folder / ".snakemake_timestamp").write_text("now")
    assert provenance.tree_digest(folder) == before
    (folder / "a").rename(folder / "c")
    assert provenance.tree_digest(folder) != before
    (folder / "c").rename(folder / "a")
    assert provenance.tree_digest(folder) == before
    (folder / "sub" / "b").write_text("3")
    assert provenance.tree_digest(folder) != before


def test_value_digest_ignores_the_order_of_keys():
    assert provenance.value_digest({"a": 1, "b": [2]}) == provenance.value_digest({"b": [2], "a": 1})
    assert provenance.value_digest({"a": 1}) != provenance.value_digest({"a": 2})


def test_versions_and_machine():
    assert provenance.versions(["numpy"])["numpy"] == importlib.import_module("numpy").__version__
    assert set(provenance.versions()) == {"python", *provenance.PACKAGES}
    assert provenance.machine()["cores"] >= 1


def test_gpus_are_counted(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance.gpus() == 0
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'GPU 0: one (UUID: a)'\necho 'GPU 1: two (UUID: b)'\n")
    program.chmod(0o755)
    assert provenance.gpus() == 2
    program.write_text("#!/bin/sh\necho 'No devices were found'\nexit 6\n")
    assert provenance.gpus() == 0


def test_processes_import_the_package_of_the_checkout(project, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(project.root / "elsewhere"))
    other = project.root / "elsewhere" / project.package
    other.mkdir(parents=True)
    (other / "__init__.py").write_text("CONSTANT = 0\n")
    command = [sys.executable, "-c", f"import {project.package}; print({project.package}.CONSTANT)"]
    assert subprocess.run(command, capture_output=True, text=True, cwd=os.sep, check=True).stdout == "0\n"
    provenance.put_first(project.root)
    assert subprocess.run(command, capture_output=True, text=True, cwd=os.sep, check=True).stdout == "1\n"


def test_costs_are_summed_over_jobs(tmp_path):
    def benchmark(path, seconds, memory):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        pd.DataFrame({"s": [seconds], "h:m:s": "0:00:01", "max_rss": [memory]}).to_csv(
            tmp_path / path, sep="\t", index=False
        )

    benchmark("mix/test_0.tsv", 1.25, "-")
    benchmark("mix/test_1.tsv", 2.5, 80.5)
    benchmark("mix/test_2.tsv", 1, 70)
    benchmark("tables.tsv", 0.5, "NA")
    assert provenance.costs(tmp_path) == {
        "mix": {"jobs": 3, "seconds": 4.75, "peak_mb": 80.5},
        "tables": {"jobs": 1, "seconds": 0.5, "peak_mb": 0.0},
    }


def git(folder, *arguments):
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)


@pytest.fixture
def checkout(tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / "file").write_text("1")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-qm", "one")
    return tmp_path


def test_outside_a_checkout_there_is_no_commit_and_no_problem(tmp_path):
    assert provenance.git_commit(tmp_path) == (None, None)


def test_commit_is_named_and_changes_are_told(checkout):
    commit = git(checkout, "rev-parse", "HEAD").stdout.strip()
    assert provenance.git_commit(checkout) == (commit, None)
    (checkout / "file").write_text("2")
    assert provenance.git_commit(checkout) == (f"{commit}+changes", None)


def test_a_checkout_of_somebody_else_is_told_with_the_remedy(checkout, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git's own way to test this
    commit, problem = provenance.git_commit(checkout)
    assert commit is None
    assert "dubious ownership" in problem
    assert f"git config --global --add safe.directory {checkout.resolve()}" in problem


def test_a_damaged_checkout_and_a_missing_git_are_told(checkout, monkeypatch):
    (checkout / ".git" / "HEAD").write_text("nothing\n")
    commit, problem = provenance.git_commit(checkout)
    assert commit is None
    assert problem.startswith("the commit is not recorded, because git refuses to tell it (")
    monkeypatch.setenv("PATH", str(checkout))
    commit, problem = provenance.git_commit(checkout)
    assert commit is None
    assert problem.endswith("Install git.")


NAME = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=30).filter(
    lambda name: name not in (".", "..") and len(name.encode()) < 200
)


@given(st.dictionaries(NAME, st.binary(max_size=5), max_size=4), NAME, st.binary(max_size=5))
@settings(deadline=None, max_examples=60)
def test_an_inventory_changes_when_files_do(files, name, content):
    with tempfile.TemporaryDirectory() as folder:

        def inventory(files):
            for path in Path(folder).iterdir():
                path.unlink()
            for file, bytes_ in files.items():
                Path(folder, file).write_bytes(bytes_)
            return provenance.inventory([Path(folder, file) for file in files])

        before = inventory(files)
        assert inventory(dict(reversed(files.items()))) == before
        assert (inventory({**files, name: content}) == before) == (files.get(name) == content)


def test_of_large_files_only_size_and_time_are_looked_at(tmp_path):
    path = tmp_path / "large"
    path.write_bytes(bytes(200_000))
    before = provenance.inventory([path])
    state = path.stat()
    path.write_bytes(b"x" + bytes(199_999))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert provenance.inventory([path]) == before
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    assert provenance.inventory([path]) != before
    with pytest.raises(InputError, match="nowhere: cannot be read"):
        provenance.inventory([tmp_path / "nowhere"])


def test_settings_other_than_those_of_the_results_are_named(tmp_path):
    provenance.check_settings(tmp_path, {"a": 1})
    (tmp_path / "manifest.json").write_text(json.dumps({"config": {"a": 1, "b": {"c": [1, 2], "d": 0}}}))
    provenance.check_settings(tmp_path, {"a": 1, "b": {"c": [1, 2], "d": 0}})
    with pytest.raises(InputError, match=r"made with other settings \(b\.c, b\.d, e\).*--touch"):
        provenance.check_settings(tmp_path, {"a": 1, "b": {"c": [1]}, "e": 2})


def test_results_are_listed_and_where_there_are_none_the_way_to_them(tmp_path):
    with pytest.raises(InputError, match=r"x: there are no results yet\. make run, or .* makes them"):
        provenance.listing(tmp_path / "x")
    (tmp_path / "x" / "tables").mkdir(parents=True)
    (tmp_path / "x" / "tables" / "detection.md").touch()
    assert provenance.listing(tmp_path / "x").splitlines()[1:] == [f"  {tmp_path}/x/tables/detection.md"]
    (tmp_path / "x" / "manifest.json").touch()
    assert "The report is missing" in provenance.listing(tmp_path / "x")
