"""The names of components, and finding modules without running them."""

import importlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from igsed import modules
from igsed.backbones import NETWORKS


@pytest.mark.parametrize("path", [path for n in NETWORKS.built_in.values() for path in (n.network, n.make) if path])
def test_every_name_leads_to_a_component(path):
    module, _, attribute = path.partition(":")
    found = importlib.import_module(module)
    assert callable(getattr(found, attribute))
    assert modules.module_file(module) == Path(found.__file__)


def test_modules_are_found_and_not_imported(tmp_path, monkeypatch):
    package = tmp_path / "found_not_run"
    (package / "sub").mkdir(parents=True)
    for path in (package / "__init__.py", package / "sub" / "__init__.py", package / "sub" / "deep.py"):
        path.write_text("raise RuntimeError('was run')")
    monkeypatch.syspath_prepend(tmp_path)
    assert modules.module_file("found_not_run") == package / "__init__.py"
    assert modules.module_file("found_not_run.sub") == package / "sub" / "__init__.py"
    assert modules.module_file("found_not_run.sub.deep") == package / "sub" / "deep.py"
    assert modules.module_file("found_not_run.absent") is None
    assert modules.module_file("found_not_run.sub.deep.er") is None


@pytest.mark.parametrize("name", ["", ".", "a.", "igsed.", "igsed..heads", "sys", "no_such_module", "os.path"])
def test_what_has_no_source_file_gives_none(name):
    assert modules.module_file(name) is None


@given(st.text(max_size=12))
def test_any_name_is_found_or_none(name):
    found = modules.module_file(name)
    assert found is None or found.is_file()
