"""Setting up: what is missing is named with the words to type; the lock is complete and is what is installed."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
NEEDS_NO_GRANT = {"soxbindings"}  # igsed.scaper_conversion stands in for it


def lock() -> dict[str, str]:
    lines = (ROOT / "envs" / "requirements.lock").read_text().splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonical(name): version for name, version in pins}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted() -> list[Requirement]:
    lines = (ROOT / "envs" / "requirements.in").read_text().splitlines()
    return [Requirement(line.partition("#")[0].strip()) for line in lines if line.partition("#")[0].strip()]


@pytest.mark.parametrize("requirement", wanted(), ids=str)
def test_the_lock_grants_every_direct_wish(requirement):
    assert Version(lock()[canonical(requirement.name)]) in requirement.specifier


def test_the_lock_is_complete():
    """Whatever a locked package wants on this platform is locked too, in a version that it accepts."""
    pins, missing = lock(), []
    for name in pins:
        for text in importlib.metadata.requires(name) or []:
            requirement = Requirement(text)
            needed = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
            dependency = canonical(requirement.name)
            if not needed or dependency in NEEDS_NO_GRANT:
                continue
            # A CUDA build of torch brings its own libraries (envs/install.sh).
            if name == "torch" and re.match("nvidia-|cuda-|triton", dependency):
                continue
            if dependency not in pins or Version(pins[dependency]) not in requirement.specifier:
                missing.append(f"{name} wants {requirement}")
    assert missing == []


def test_the_lock_is_what_is_installed():
    assert {name: importlib.metadata.version(name).partition("+")[0] for name in lock()} == lock()


@pytest.fixture
def bare(tmp_path):
    """A folder for PATH with hardly any program, and a copy of what setting up reads."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("bash", "cat", "cksum", "dirname", "uname"):
        (programs / name).symlink_to(shutil.which(name))
    shutil.copytree(ROOT / "envs", tmp_path / "envs")
    return tmp_path


def setup(folder: Path, **environment: str) -> subprocess.CompletedProcess:
    command = [shutil.which("bash"), "envs/setup.sh"]
    environment = {"PATH": str(folder / "bin"), "HOME": os.environ.get("HOME", ""), **environment}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)


def test_without_python_the_remedy_is_named(bare):
    done = setup(bare)
    assert done.returncode == 1
    assert "Python 3.11 or newer" in done.stderr
    assert "make run PYTHON=" in done.stderr


def test_an_old_python_is_refused(bare):
    old = bare / "bin" / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    assert "Python 3.11 or newer" in setup(bare, PYTHON="python3").stderr


def test_a_complete_environment_is_left_alone(bare):
    """The second call starts at once: it neither makes an environment nor installs anything."""
    (bare / "bin" / "python3.11").symlink_to(sys.executable)
    digest = subprocess.run(
        "{ pwd; cat envs/requirements.lock envs/install.sh; } | cksum",
        shell=True,
        cwd=bare,
        capture_output=True,
        text=True,
    )
    (bare / ".venv").mkdir()
    (bare / ".venv" / "igsed-complete").write_text(digest.stdout)
    done = setup(bare)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [path.name for path in (bare / ".venv").iterdir()] == ["igsed-complete"]
