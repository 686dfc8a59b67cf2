"""Locks of killed runs are taken away, those of living ones stay. The runs are processes."""

import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from igsed import __main__
from igsed.errors import InputError
from igsed.jobs import runs
from tests.disks import disk

RUN = "from igsed.jobs import runs; runs.announce(); print('here', flush=True); input()"
JOB = """
from igsed.jobs.console import job
with job('job.log', {'table': 'a.csv'}) as out:
    print('here', flush=True)
    input()
"""


@pytest.fixture
def locked(tmp_path):
    """A folder with Snakemake's lock."""
    (tmp_path / ".snakemake" / "locks").mkdir(parents=True)
    for kind in ("input", "output"):
        (tmp_path / ".snakemake" / "locks" / f"0.{kind}.lock").write_text("results/a.csv\n")
    return tmp_path


def locks(folder):
    return list((folder / ".snakemake" / "locks").glob("*.lock"))


@contextmanager
def process(folder, program):
    command = [sys.executable, "-c", program]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=folder, **pipes) as running:
        assert running.stdout.readline() == "here\n"
        yield running
        running.send_signal(signal.SIGKILL)


@pytest.mark.parametrize("program", [RUN, JOB], ids=["run", "job"])
def test_a_living_process_keeps_its_lock_and_is_named_a_killed_one_loses_it(locked, program):
    with process(locked, program) as one, process(locked, program) as other:
        told = runs.unlock(locked)
        if sys.platform == "linux":
            assert f"{one.pid}" in told
            assert f"{other.pid}" in told
        assert len(locks(locked)) == 2
    assert "cut short" in runs.unlock(locked)
    assert locks(locked) == []


def test_without_a_lock_there_is_nothing_to_say(tmp_path):
    assert runs.unlock(tmp_path) == ""
    assert list(tmp_path.iterdir()) == []


def test_children_do_not_hold_what_their_parent_announced(locked):
    program = RUN.replace("input()", "import subprocess; subprocess.Popen(['sleep', '5'])")
    subprocess.run([sys.executable, "-c", program], cwd=locked, check=True, stdout=subprocess.DEVNULL)
    assert "cut short" in runs.unlock(locked)


def test_a_full_disk_is_named_before_a_run(tmp_path, monkeypatch, capsys):
    with disk(tmp_path, "80k") as change, monkeypatch.context() as here:
        here.chdir(tmp_path)
        (tmp_path / "fill").write_bytes(bytes(60_000))
        assert __main__.main(["unlock"]) == 1
        assert ".snakemake: nothing can be written there (No space left on device)" in capsys.readouterr().err
        change("size=1m")
        assert __main__.main(["unlock"]) == 0


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    with disk(tmp_path / "results", "100k") as change:
        runs.check_writable(tmp_path / "results" / "mine")
        change("ro")
        for name in ("mine", "new"):
            with pytest.raises(InputError, match=rf"results/{name}: .*[Rr]ead-only"):
                runs.check_writable(tmp_path / "results" / name)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file/mine"):
        runs.check_writable(tmp_path / "file" / "mine")
