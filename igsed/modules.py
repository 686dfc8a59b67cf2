"""Where the source of a module lies."""

import importlib.util
from pathlib import Path


def module_file(name: str) -> Path | None:
    """The source file of a module, found without importing it or the packages above it; None where there is none."""
    top, *below = name.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except ValueError:  # a module that was not loaded from a file
        return None
    if spec is None or not all(below):
        return None
    if not below:
        return Path(spec.origin) if spec.origin and Path(spec.origin).is_file() else None
    for folder in spec.submodule_search_locations or []:
        for candidate in (Path(folder, *below).with_suffix(".py"), Path(folder, *below, "__init__.py")):
            if candidate.is_file():
                return candidate
    return None
