"""In which order and on which process tests run, where there are several (`make test`, pytest-xdist)."""

import pytest


@pytest.hookimpl(tryfirst=True)  # before xdist looks for groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A module's tests share a process, and so do all that need the finished miniature; the longest begin first."""
    if not hasattr(config, "workerinput"):
        return
    for item in items:
        shared = "finished" in item.fixturenames and "cluster" not in item.fixturenames
        item.add_marker(pytest.mark.xdist_group("finished" if shared else item.path.stem))
    first = ["test_slurm", "finished", "test_paper"]

    def place(item: pytest.Item) -> int:
        group = item.get_closest_marker("xdist_group").args[0]
        return first.index(group) if group in first else len(first)

    items.sort(key=place)
