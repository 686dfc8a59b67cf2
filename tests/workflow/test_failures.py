"""After a job has failed, nothing old passes for new: Snakemake itself would say that there is nothing to be done."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.workflow.project import Project


@pytest.mark.parametrize("ended", ["failed", "killed"])
def test_an_intermediate_that_could_not_be_made_is_made_later(editable, ended):
    """The code of a detector changes, and its jobs come to nothing for a reason that passes."""
    module, clip = "igsed/detectors/energy.py", editable.results / "mixtures" / "test" / "audio" / "test_00000.flac"
    scores = editable.results / "scores" / "energy" / "seed0" / "test.parquet"
    before = (editable.folder / module).read_text()
    (editable.folder / module).write_text(before + f"\nENDED = {ended!r}\n")
    if ended == "failed":
        hidden = clip.rename(clip.with_suffix(".hidden"))
        assert editable.snakemake().returncode != 0
        hidden.rename(clip)
    else:
        with start(editable) as run:
            while run.poll() is None and scores.exists():
                time.sleep(0.005)
            os.killpg(run.pid, signal.SIGKILL)
        subprocess.run([sys.executable, "-m", "igsed", "unlock"], cwd=editable.folder, check=True)
    assert not scores.exists()
    assert (editable.results / "evaluation" / "energy" / "sweep.csv").exists()
    planned = editable.plan()
    assert {"baseline", "evaluate", "metrics", "tables", "manifest"} <= set(planned)
    (editable.folder / module).write_text(before)
    editable.run()
    assert scores.exists()
    assert editable.plan() == {}


def start(project: Project) -> subprocess.Popen:
    """Snakemake as a group of processes of its own."""
    command = [sys.executable, "-m", "snakemake", "--configfile", "experiment.yaml", "--cores", "1"]
    return subprocess.Popen(command, cwd=project.folder, stderr=subprocess.DEVNULL, start_new_session=True)


def test_what_the_experiment_no_longer_has_is_not_made(editable):
    """A plan that names outputs of a detector and of seeds that are gone does not bring them back."""
    plan = editable.folder / ".snakemake" / "igsed-unfinished.json"
    gone = ["scores/gone/seed0/test.parquet", "models/clip/seed9.safetensors", "shards/test/99", "nothing/at/all"]
    plan.write_text(json.dumps([f"results/miniature/{name}" for name in gone]))
    try:
        assert editable.plan() == {}
    finally:
        plan.unlink()


def test_a_file_deleted_to_save_space_is_not_missed(editable):
    deleted = editable.results / "shards" / "test" / "0"
    hidden = deleted.rename(deleted.with_name("hidden"))
    try:
        assert editable.plan() == {}
    finally:
        hidden.rename(deleted)
