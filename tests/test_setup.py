"""Setting up: what is missing is named with the words to type; the lock is complete and is what is installed."""

import importlib.metadata
import itertools
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
NEEDS_NO_GRANT = {"soxbindings"}  # igsed.scaper_conversion stands in for it
OF_CUDA = re.compile("nvidia-|cuda-|triton")


def lock(name: str) -> dict[str, str]:
    """Names and versions that a lock installs on this platform, and that each has a digest."""
    pins = {}
    for entry in re.split(r"\n(?=\S)", (ROOT / "envs" / name).read_text(encoding="utf-8")):
        if not entry.startswith("#"):
            wish, *digests = re.split(r" \\\n    --hash=sha256:", entry.strip())
            assert digests, f"{wish} has no digest"
            requirement = Requirement(wish)
            if requirement.marker is None or requirement.marker.evaluate():
                pins[canonical(requirement.name)] = str(requirement.specifier).removeprefix("==")
    return pins


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted() -> list[Requirement]:
    """What pyproject.toml asks for: of the package, of its extras, and of Scaper."""
    extras = PROJECT["project"]["optional-dependencies"].values()
    wishes = [PROJECT["project"]["dependencies"], *extras, PROJECT["dependency-groups"]["scaper"]]
    return [Requirement(wish) for wish in itertools.chain(*wishes) if not wish.startswith("igsed[")]


@pytest.mark.parametrize("requirement", wanted(), ids=str)
def test_the_locks_grant_every_direct_wish(requirement):
    pins = lock("requirements.lock") | lock("docs.lock")
    assert Version(pins[canonical(requirement.name)]) in requirement.specifier


def lacking(names, granted: dict[str, str]) -> list[str]:
    """What installed packages want on this platform and a lock does not grant, in a version that they accept."""
    missing = []
    for name in names:
        for text in importlib.metadata.requires(name) or []:
            requirement = Requirement(text)
            needed = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
            dependency = canonical(requirement.name)
            if not needed or dependency in NEEDS_NO_GRANT:
                continue
            if dependency not in granted or Version(granted[dependency]) not in requirement.specifier:
                missing.append(f"{name} wants {requirement}")
    return missing


def test_the_locks_are_complete():
    """Whatever a locked package wants on this platform is locked too, in a version that it accepts."""
    pins = lock("requirements.lock")
    assert lacking(["torch"], pins | lock("cuda.lock")) == []
    assert lacking(pins.keys() - {"torch"}, pins) == []


def test_what_the_site_alone_needs_stands_apart():
    """`make setup` installs none of it, and `make docs` moves nothing that is there."""
    pins, site = lock("requirements.lock"), lock("docs.lock")
    assert {"sphinx", "myst-nb", "numpydoc", "furo"} <= site.keys()
    assert site.keys().isdisjoint(pins)
    pytest.importorskip("sphinx", reason="make docs installs what the site needs")
    assert lacking(site, pins | site) == []
    assert {name: importlib.metadata.version(name) for name in site} == site


def test_what_cuda_needs_stands_apart():
    assert not any(map(OF_CUDA.match, lock("requirements.lock")))
    assert all(map(OF_CUDA.match, lock("cuda.lock")))


def test_the_lock_is_what_is_installed():
    pins = lock("requirements.lock")
    assert {name: importlib.metadata.version(name).partition("+")[0] for name in pins} == pins


def split(resolution: Path, without_docs: Path, folder: Path) -> None:
    subprocess.run([sys.executable, ROOT / "envs" / "split_lock.py", resolution, without_docs, folder], check=True)


def test_what_only_the_site_needs_has_a_lock_of_its_own(tmp_path):
    pin = "{} \\\n    --hash=sha256:{}\n".format
    without = pin("numpy==1 ; python_version < '4'", "00") + pin("numpy==2 ; python_version >= '4'", "01")
    (tmp_path / "all").write_text(without + pin("sphinx==9", "33") + pin("triton==3", "22"))
    (tmp_path / "without").write_text(without + pin("triton==3", "22"))
    split(tmp_path / "all", tmp_path / "without", tmp_path)
    digests = {path.name: re.findall("sha256:(..)", path.read_text()) for path in tmp_path.glob("*.lock")}
    assert digests == {"requirements.lock": ["00", "01"], "docs.lock": ["33"], "cuda.lock": ["22"]}


def test_either_build_of_torch_passes_the_check(tmp_path):
    """The digest of a CPU build, which the package index does not have, is added once, however often a lock is made."""
    resolution = tmp_path / "resolution"
    pin = "{} \\\n    --hash=sha256:{}\n".format
    resolution.write_text(pin("numpy==1", "00") + pin("torch==2.13.0", "11") + pin("triton==3", "22"))
    for _ in range(2):
        split(resolution, resolution, tmp_path)
        made = (tmp_path / "requirements.lock").read_text()
        assert re.findall("sha256:(..)", made) == ["00", "11", "67"]
        assert re.findall("sha256:(..)", (tmp_path / "cuda.lock").read_text()) == ["22"]
        resolution.write_text(made + pin("triton==3", "22"))


CORE = {canonical(Requirement(wish).name) for wish in PROJECT["project"]["dependencies"]}
WITHOUT_EXTRAS = """
import importlib.metadata, sys
from pathlib import Path
absent = set({absent!r})

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
{code}
"""
# Commands that a user tries outside a checkout, and their exit status there.
COMMANDS = {
    "--version": 0,
    "--help": 0,
    "docs": 0,
    "unlock": 0,
    **{f"list {family}": 0 for family in ("detectors", "backbones", "soundbanks", "metrics", "thresholds")},
    "check": 1,
    "show": 1,
    "completion bash": 0,
    "verify results/default": 1,
    "compare results/default": 1,
}


@pytest.fixture(scope="module")
def beyond_core() -> list[str]:
    """Top modules of the locked packages that neither the core nor what it needs bring."""
    needed, waiting = set(), set(CORE)
    while waiting:
        needed |= waiting
        wishes = [Requirement(text) for name in waiting for text in importlib.metadata.requires(name) or []]
        wishes = [wish for wish in wishes if wish.marker is None or wish.marker.evaluate({"extra": ""})]
        waiting = {canonical(wish.name) for wish in wishes} - needed
    brought = importlib.metadata.packages_distributions()
    return sorted(module for module, names in brought.items() if not {*map(canonical, names)} & (needed | {"igsed"}))


def without_extras(absent: list[str], code: str, folder: Path) -> subprocess.CompletedProcess:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    code = WITHOUT_EXTRAS.format(absent=absent, code=code)
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )


def test_commands_need_only_the_core_and_no_checkout(beyond_core, tmp_path):
    assert {"snakemake", "captum", "matplotlib", "scaper", "grimp"} <= set(beyond_core)
    code = f"""
from igsed.__main__ import main
for command, expected in {COMMANDS}.items():
    try:
        status = main(command.split())
    except SystemExit as end:
        status = end.code
    assert (status or 0) == expected, command
"""
    done = without_extras(beyond_core, code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(done.stderr.splitlines()) == 4
    assert done.stderr.count("ERROR: config.yaml: ") == done.stderr.count("checkout of igsed") == 1


def test_explaining_needs_only_the_core(beyond_core, tmp_path):
    """`tests/attribution/test_ig.py` explains a clip with less still."""
    code = """
import torch
from igsed import attribution, backbones, classifier, events, features, heads, metrics, scores, statistics, thresholds
from igsed import detectors
from igsed.backbones.cnn14 import network
from igsed.backbones.yamnet import network
assert callable(detectors.load("ig"))
assert metrics.iou(torch.tensor([[True, False]]).numpy(), torch.tensor([[True, True]]).numpy()) == 0.5
"""
    done = without_extras(beyond_core, code, tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def bare(tmp_path):
    """A folder for PATH with hardly any program, and a copy of what setting up reads."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("bash", "cat", "cksum", "dirname", "uname"):
        (programs / name).symlink_to(shutil.which(name))
    shutil.copytree(ROOT / "envs", tmp_path / "envs")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def setup(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    command = [shutil.which("bash"), "envs/setup.sh", *arguments]
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


def complete(folder: Path) -> None:
    """Mark the environment of a copy as complete."""
    (folder / "bin" / "python3.11").symlink_to(sys.executable)
    command = "{ pwd; cat envs/requirements.lock envs/cuda.lock pyproject.toml envs/install.sh; } | cksum"
    digest = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, check=True)
    (folder / ".venv").mkdir()
    (folder / ".venv" / "igsed-complete").write_text(digest.stdout)


def test_a_complete_environment_is_left_alone(bare):
    """The second call starts at once: it neither makes an environment nor installs anything."""
    complete(bare)
    done = setup(bare)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [path.name for path in (bare / ".venv").iterdir()] == ["igsed-complete"]


def test_what_the_site_needs_is_installed_once_and_again_after_a_failure(bare):
    complete(bare)
    python = bare / ".venv" / "bin" / "python"
    python.parent.mkdir()
    for status, told in (
        (1, ["Installing what the documentation"]),
        (0, ["Installing what the documentation"]),
        (0, []),
    ):
        python.write_text(f'#!/bin/sh\necho "$@" >>asked\nexit {status}\n')
        python.chmod(0o755)
        done = setup(bare, "docs")
        assert done.returncode == status
        assert [line[: len(told[0])] for line in done.stdout.splitlines()] == told if told else done.stdout == ""
        assert ("make docs" in done.stderr) == bool(status)
    asked = (bare / "asked").read_text().splitlines()
    assert len(asked) == 2
    assert all(line.endswith("--no-deps --require-hashes -r envs/docs.lock") for line in asked)


def test_a_folder_whose_name_no_environment_can_have(tmp_path):
    """Programs of an environment do not start below quotes and dollars, and nothing is built below braces."""
    project = tmp_path / 'it\'s {a} "b" $c'
    shutil.copytree(ROOT / "envs", project / "envs")
    shutil.copy(ROOT / "pyproject.toml", project)
    (project / "envs" / "install.sh").write_text("exit 0\n")
    environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path / "data"), "PYTHON": sys.executable}
    told = ["Setting up .venv", "It lies in "]
    for expected in (told, []):
        done = subprocess.run(["bash", "envs/setup.sh"], cwd=project, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert all(line.startswith(start) for line, start in zip(done.stdout.splitlines(), expected, strict=True))
    place = (project / ".venv").readlink()
    assert place.parent == tmp_path / "data" / "igsed"
    program = subprocess.run([project / ".venv" / "bin" / "pip", "--version"], capture_output=True, text=True)
    assert str(place) in program.stdout


def test_a_folder_with_a_colon_is_refused(tmp_path):
    shutil.copytree(ROOT / "envs", tmp_path / "a:b" / "envs")
    done = subprocess.run(["bash", "envs/setup.sh"], cwd=tmp_path / "a:b", capture_output=True, text=True)
    assert done.returncode == 1
    assert "has a colon in its name" in done.stderr
