"""What happens to the machine must not get into the results: killed runs, full and read-only disks, damaged files."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from igsed import __main__
from igsed.jobs import integrity, runs, verify
from tests.disks import disk
from tests.workflow.project import ROOT, Project, contents

pytestmark = pytest.mark.slow

SEED = 5
KILLS = 5


class Damaged(NamedTuple):
    """A finished experiment, what was done to its files (path → advice that is expected), and what a run then said."""

    project: Project
    damages: dict[str, str]
    said: str


@pytest.fixture(scope="module")
def damaged(finished, tmp_path_factory) -> Damaged:
    """A copy of the finished miniature in which a disk has gone bad, and a run that tries to go on with it."""
    folder = tmp_path_factory.mktemp("damaged") / "project"
    subprocess.run(["cp", "-a", finished.folder, folder], check=True)
    shutil.copy(ROOT / "Makefile", folder)
    project = Project.__new__(Project)
    project.folder, project.settings = folder, finished.settings
    results, rng = project.results, random.Random(SEED)

    def flip(path: Path, quietly: bool = False) -> None:
        before, content = path.stat(), bytearray(path.read_bytes())
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(content)
        if quietly:
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    def truncate(path: Path) -> None:
        os.truncate(path, rng.randrange(path.stat().st_size))

    weights = folder / "resources" / "yamnet" / "yamnet.safetensors"
    integrity.record_of(weights).write_text(integrity.describe(weights, weights.name))  # as its rule does
    flip(weights, quietly=True)
    flip(results / "scores" / "random" / "seed0" / "test.parquet")
    flip(results / "features" / "test" / "frames.npy")
    truncate(results / "models" / "fw_ws" / "seed0.safetensors")
    clip = results / "mixtures" / "test" / "audio" / "test_00002.flac"
    truncate(clip)
    with open(results / "models" / "fw_ss" / "seed0.csv", "a") as table:
        table.write("99,0.1,0.1\n")
    # Those who would read the clip and the weights have to be made again.
    (results / "scores" / "energy" / "seed0" / "test.parquet").unlink()
    (results / "attributions" / "ig" / "seed0" / "test" / "0.parquet").unlink()
    (results / "scores" / "ig" / "seed0" / "test.parquet").unlink()
    damages = {
        "resources/yamnet/yamnet.safetensors": "rm resources/yamnet/yamnet.safetensors,",
        "results/miniature/scores/random/seed0/test.parquet": "rm results/miniature/scores/random/seed0/test.parquet,",
        "results/miniature/features/test/frames.npy": "rm results/miniature/features/test/frames.npy,",
        "results/miniature/models/fw_ws/seed0.safetensors": "rm results/miniature/models/fw_ws/seed0.safetensors,",
        "results/miniature/mixtures/test/audio/test_00002.flac": "rm -r results/miniature/mixtures/test/audio,",
        "results/miniature/models/fw_ss/seed0.csv": "rm results/miniature/models/fw_ss/seed0.csv,",
    }
    done = project.snakemake("--keep-going")
    assert done.returncode != 0
    return Damaged(project, damages, done.stdout + done.stderr)


def test_damaged_files_are_named_with_what_to_do_and_never_used(damaged, finished):
    assert "Traceback" not in damaged.said
    for path, advice in damaged.damages.items():
        assert f"ERROR: {path}: is not as the job that made it left it" in damaged.said, path
        assert advice in damaged.said
    tables = ("tables/*", "metrics.csv")
    assert contents(damaged.project.results, *tables) == contents(finished.results, *tables)


class Healed(NamedTuple):
    """What is left after all damage was deleted and the run that repairs it was killed again and again."""

    project: Project
    verdicts: list[verify.Verdict]
    told_while_alive: list[str]
    locked: list[bool]
    said: str


@pytest.fixture(scope="module")
def healed(damaged, finished) -> Healed:
    project, rng = damaged.project, random.Random(SEED)
    with contextlib.chdir(project.folder):
        assert __main__.main(["verify", "results/miniature", "--remove"]) == 1
    weights = Path("resources", "yamnet", "yamnet.safetensors")
    assert not (project.folder / weights).exists()
    shutil.copy2(finished.folder / weights, project.folder / weights)  # what the download would do
    verdicts, told, locked = [], [], []
    locks = project.folder / ".snakemake" / "locks"
    for k in range(KILLS):
        # Some time after a job has begun and, in turn, the moment that one writes.
        writing = not k % 2
        place = (project.results, ".part-*") if writing else (project.folder / ".snakemake" / "incomplete", "*")
        before = set(marks(*place))
        with start(project) as run:
            wait_for_more(run, before, *place, still=not k)
            if not writing:
                time.sleep(rng.uniform(0, 3))
                told.append(runs.unlock(project.folder))
            if run.poll() is not None:
                break  # a fast machine
            os.killpg(run.pid, signal.SIGKILL)
        locked.append(any(locks.glob("*.lock")))
        verdicts.append(verify.verify(project.results))
    with start(project) as run:
        said = run.communicate(timeout=600)[0]
        assert run.returncode == 0, said[-6000:]
    return Healed(project, verdicts, told, locked, said)


def wait_for_more(run: subprocess.Popen, before: set, folder: Path, pattern: str, still: bool) -> None:
    """Wait until a run makes such a file or ends; `still`: and leave it standing still where the file lies there."""
    while run.poll() is None:
        if set(marks(folder, pattern)) - before:
            if not still:
                return
            os.killpg(run.pid, signal.SIGSTOP)
            if set(marks(folder, pattern)) - before:  # and not a small one, which is whole by now
                return
            os.killpg(run.pid, signal.SIGCONT)
        time.sleep(0.01)


def marks(folder: Path, pattern: str) -> list[tuple[str, int]]:
    """The files in a folder that match, with the times when they were made."""
    found = []
    with contextlib.suppress(FileNotFoundError):  # what a job has just taken away
        found += [(path.name, path.stat().st_mtime_ns) for path in folder.rglob(pattern)]
    return found


def start(project: Project) -> subprocess.Popen:
    """`make run`, as a group of processes of its own."""
    command = ["make", "run", "--old-file=setup", "EXPERIMENT=experiment.yaml", "CORES=2"]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {"PATH": path}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, cwd=project.folder, env=environment, start_new_session=True, **pipes)


def test_killed_runs_leave_nothing_that_looks_whole(healed):
    found = [problem for verdict in healed.verdicts for problem in verdict.problems]
    assert [problem for problem in found if problem.what == "changed"] == []
    assert any("half-written" in problem.what for problem in found), "no kill met a job at work"


def test_the_lock_of_a_living_run_stays_and_that_of_a_killed_one_needs_no_thought(healed):
    assert len(healed.locked) > KILLS // 2, "too few kills"
    assert all(healed.locked)
    assert any(healed.told_while_alive)
    assert all("still works in this folder" in told for told in healed.told_while_alive if told)
    assert "An earlier run was cut short. Its lock is taken away" in healed.said
    assert not list((healed.project.folder / ".snakemake").glob("locks/*.lock"))


def test_after_kills_and_damage_the_results_are_the_same_bytes(healed, finished):
    after, before = made(healed.project), made(finished)
    assert after.keys() == before.keys()
    assert [path for path in after if after[path] != before[path]] == []


def made(project: Project) -> dict[str, bytes]:
    """Everything in the results but what tells of times: logs, benchmarks, the manifest, the report."""
    changing = {"logs", "benchmarks", "manifest.json", ".manifest.json.sha256", "report.html", "config.yaml"}
    paths = ((path.relative_to(project.results), path) for path in project.results.rglob("*") if path.is_file())
    return {
        str(name): path.read_bytes()
        for name, path in paths
        if name.parts[0] not in changing and name.name != ".snakemake_timestamp"
    }


def test_nothing_is_left_over_and_verify_is_content(healed):
    assert list(healed.project.results.rglob(".part-*")) == []
    assert verify.verify(healed.project.results).problems == []
    assert healed.project.plan() == {}
    assert (healed.project.results / "report.html").exists() or "The report is missing" in healed.said


def test_full_and_read_only_disks_are_named_and_lose_nothing(new_project):
    project = new_project()
    picture = "results/miniature/figures/pipeline.svg"
    with disk(project.folder / "results", "64k") as change:
        done = project.snakemake(picture)
        assert done.returncode != 0
        assert "the disk is full. Free some space on it, then run again" in done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        assert {path.suffix for path in project.results.rglob("*") if path.is_file()} <= {".log"}
        change("size=8m")
        project.run(picture)
        assert verify.verify(project.results).problems == []
        shutil.rmtree(project.results / "figures")
        change("ro")
        done = project.snakemake(picture)
        assert done.returncode != 0
        assert "results/miniature: nothing can be written there (Read-only file system)" in done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
