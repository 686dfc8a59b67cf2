"""In which order tests run where there are several processes (`make test`, pytest-xdist, a file at a time)."""

import pytest

LONGEST = ("test_slurm", "test_crashes", "test_reruns", "test_paper", "test_results", "test_failures", "test_load")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest files begin first, so that no process is left alone with one."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: (*LONGEST, item.path.stem).index(item.path.stem))
