"""torchaudio's Python part works beside a torch for which its compiled library was not built."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RESAMPLED = """
from igsed.pure_torchaudio import functional
import torch, torchaudio
assert torchaudio.functional is functional
assert torchaudio.__file__.startswith({folder!r}), torchaudio.__file__
assert functional.resample(torch.ones(1, 320), 32_000, 16_000).shape == (1, 160)
assert functional.melscale_fbanks(257, 50.0, 8000.0, 64, 16_000).shape == (257, 64)
"""


@pytest.fixture
def elsewhere(tmp_path):
    """A folder with torchaudio as installed, whose compiled library is none."""
    origin = importlib.util.find_spec("torchaudio").origin
    shutil.copytree(Path(origin).parent, tmp_path / "torchaudio")
    (tmp_path / "torchaudio" / "lib" / "_torchaudio.abi3.so").write_text("no library")
    return tmp_path


def python(code: str, folder: Path) -> subprocess.CompletedProcess:
    start = f"import sys; sys.path[:0] = [{str(folder)!r}, {str(ROOT)!r}]\n"
    return subprocess.run([sys.executable, "-c", start + code], capture_output=True, text=True, timeout=120)


def test_a_library_that_cannot_be_loaded_is_done_without(elsewhere):
    assert "OSError" in python("import torchaudio", elsewhere).stderr
    done = python(RESAMPLED.format(folder=str(elsewhere)), elsewhere)
    assert done.returncode == 0, done.stderr
    assert (elsewhere / "torchaudio" / "lib" / "_torchaudio.abi3.so").exists()


def test_other_failures_are_not_hidden(tmp_path):
    (tmp_path / "torchaudio").mkdir()
    (tmp_path / "torchaudio" / "__init__.py").write_text("raise RuntimeError('something else')")
    assert "something else" in python("import igsed.pure_torchaudio", tmp_path).stderr
