"""sed_scores_eval, which igsed's own numbers and files are compared with."""

import sys
import warnings
from pathlib import Path
from types import ModuleType

import pytest

# Where `.ci/run` puts it, which builds it from source; it is only needed here.
_FOLDER = Path(__file__).parents[1] / "build" / "reference"


def sed_scores_eval() -> ModuleType:
    """The library; without it the test that asks is skipped."""
    if str(_FOLDER) not in sys.path:
        sys.path.append(str(_FOLDER))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("sed_scores_eval", reason="sed_scores_eval is not installed (see CONTRIBUTING.md)")
