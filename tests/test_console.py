"""Jobs: outputs whole or absent, errors that can be read. Each job is a process, as in the workflow."""

import os
import subprocess
import sys
import textwrap

import pytest

from igsed import console


@pytest.fixture
def run(tmp_path):
    """Run a job's body that makes `a.csv` and the folder `b`."""

    def job(body):
        script = "from igsed.console import job\nfrom igsed.errors import InputError\n"
        script += "with job('logs/deep/job.log', {'table': 'out/a.csv', 'folder': 'out/b'}) as out:\n"
        script += textwrap.indent(textwrap.dedent(body), "    ")
        (tmp_path / "script.py").write_text(script)
        command = [sys.executable, "script.py"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)

    return job


def left(tmp_path):
    return sorted(str(path.relative_to(tmp_path)) for path in (tmp_path / "out").rglob("*"))


MADE = ["out/.a.csv.sha256", "out/.b.sha256", "out/a.csv", "out/b", "out/b/part"]
WORK = """
    import logging, warnings
    out.table.write_text("x")
    out.folder.mkdir()
    (out.folder / "part").write_text("y")
"""


def test_outputs_appear_at_the_end_and_replace_older_ones(run, tmp_path):
    (tmp_path / "out" / "b").mkdir(parents=True)
    (tmp_path / "out" / "b" / "old").touch()
    (tmp_path / "out" / "a.csv").write_text("old")
    (tmp_path / "out" / ".part-b").mkdir()
    (tmp_path / "out" / ".part-b" / "rest of a killed job").touch()
    done = run(
        WORK
        + "\n    assert open('out/a.csv').read() == 'old' and out.table.suffix == '.csv'\n    warnings.warn('careful')"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert left(tmp_path) == MADE
    assert (tmp_path / "out" / "a.csv").read_text() == "x"
    assert "careful" in (tmp_path / "logs" / "deep" / "job.log").read_text()


def test_input_error_is_a_message_and_leaves_nothing(run, tmp_path):
    done = run(WORK + "\n    raise InputError('bank/dog.wav: holds only silence – remove it.')")
    assert done.returncode == 1
    assert done.stderr.strip() == "ERROR: bank/dog.wav: holds only silence – remove it."
    assert left(tmp_path) == []
    assert "holds only silence" in (tmp_path / "logs" / "deep" / "job.log").read_text()


def test_other_error_is_one_line_and_its_traceback_lies_in_the_log(run, tmp_path):
    done = run(WORK + "\n    {}['absent']")
    assert done.returncode == 1
    assert done.stderr.strip() == "ERROR: KeyError: 'absent'\n(the full traceback is in logs/deep/job.log)"
    assert left(tmp_path) == []
    log = (tmp_path / "logs" / "deep" / "job.log").read_text()
    assert "Traceback (most recent call last)" in log
    assert "script.py" in log


def test_older_outputs_outlive_a_failure(run, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.csv").write_text("old")
    assert run(WORK + "\n    raise InputError('no.')").returncode == 1
    assert left(tmp_path) == ["out/a.csv"]
    assert (tmp_path / "out" / "a.csv").read_text() == "old"


@pytest.mark.parametrize("forgotten", ["table", "folder"])
def test_output_that_was_not_made_keeps_all_from_appearing(run, tmp_path, forgotten):
    made = {"table": "out.folder.mkdir()", "folder": "out.table.write_text('x')"}[forgotten]
    done = run(made)
    assert done.returncode == 1
    assert "FileNotFoundError" in done.stderr
    assert "Traceback" not in done.stderr
    assert left(tmp_path) == []


def test_interrupted_job_leaves_nothing(run, tmp_path):
    assert run(WORK + "\n    raise KeyboardInterrupt").returncode != 0
    assert left(tmp_path) == []


def test_killed_job_leaves_nothing_that_looks_whole(run, tmp_path):
    assert run(WORK + "\n    import os\n    os.kill(os.getpid(), 9)").returncode == -9
    assert left(tmp_path) == ["out/.part-a.csv", "out/.part-b", "out/.part-b/part"]
    assert run(WORK).returncode == 0
    assert left(tmp_path) == MADE


def test_progress_passes_items_through(capsys):
    assert list(console.progress(range(3), "counting")) == [0, 1, 2]
    assert console.progress([], "counting", total=7).total == 7
    assert os.linesep not in capsys.readouterr().out
