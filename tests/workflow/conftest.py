"""A miniature of the whole workflow, run once in a copy of the project and shared by the tests."""

import pytest

from tests.weights import yamnet_weights
from tests.workflow.project import MINIATURE, Project

# Whatever a file system allows: for Snakemake braces are wildcards and `<…>` is a variable.
ODD = "-pro{j}ect {0} <results> 'a' \"b\" $c #d é e\u0301 %s"


@pytest.fixture(scope="session")
def new_project(tmp_path_factory):
    """Makes further copies of the project."""
    weights = yamnet_weights()

    def make(settings: dict = MINIATURE, name: str = ODD) -> Project:
        return Project(tmp_path_factory.mktemp(name), settings, weights)

    return make


@pytest.fixture(scope="session")
def finished(new_project) -> Project:
    """The miniature after its first run. Tests that edit it must put it back."""
    project = new_project()
    project.run()
    return project


@pytest.fixture
def editable(finished) -> Project:
    """The finished miniature; files of the package and the workflow are restored afterwards."""
    kept = {path: path.read_bytes() for part in ("igsed", "workflow") for path in (finished.folder / part).rglob("*.*")}
    yield finished
    for path, content in kept.items():
        if path.read_bytes() != content:
            path.write_bytes(content)
