"""Jobs: outputs whole or absent, errors that can be read. Each job is a process, as in the workflow."""

import subprocess
import sys
import textwrap

import pytest

from igsed.jobs import integrity
from tests.disks import disk


@pytest.fixture
def run(tmp_path):
    """Run a job's body that makes `a.csv` and the folder `b`."""

    def job(body):
        script = "from igsed.jobs.console import job\nfrom igsed.errors import InputError\n"
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


@pytest.mark.parametrize("work", ["out.table.write_bytes(bytes(200_000))", "open(out.table, 'w').write('x' * 200_000)"])
def test_full_disk_is_named_and_a_larger_one_suffices(run, tmp_path, work):
    with disk(tmp_path / "out", "100k") as change:
        done = run(f"{work}\nout.folder.mkdir()")
        assert done.returncode == 1
        assert "out: the disk is full. Free some space on it, then run again" in done.stderr
        assert "Traceback" not in done.stderr
        assert left(tmp_path) == []
        change("size=1m")
        assert run(f"{work}\nout.folder.mkdir()").returncode == 0
        assert "out/a.csv" in left(tmp_path)


def test_a_disk_that_is_full_at_the_very_end_leaves_the_older_outputs(run, tmp_path):
    with disk(tmp_path / "out", "24k"):  # pages of 4 kB: two outputs and their records, and two outputs
        assert run(WORK).returncode == 0
        done = run(WORK.replace('"x"', '"new"'))
        assert "the disk is full" in done.stderr
        assert left(tmp_path) == MADE
        assert (tmp_path / "out" / "a.csv").read_text() == "x"
        integrity.check([tmp_path / "out" / "a.csv", tmp_path / "out" / "b"])


def test_no_room_even_for_the_log(run, tmp_path):
    with disk(tmp_path / "logs", "4k"):
        done = run(WORK + "\n    logging.info('x' * 100_000)\n    raise ValueError('the reason')")
    assert done.returncode == 1
    assert "the disk is full" in done.stderr
    assert "ValueError: the reason" in done.stderr
    assert "Traceback" not in done.stderr


def test_read_only_disk_is_named(run, tmp_path):
    with disk(tmp_path / "out", "100k") as change:
        change("ro")
        done = run(WORK)
    assert done.returncode == 1
    assert "out/.part-a.csv: Read-only file system. Make the folder writable, then run again." in done.stderr
    assert "Traceback" not in done.stderr


CONSUMER = """
from igsed.jobs.console import job
with job("consumer.log", {"table": "sum.csv"}, ["out/a.csv", "out/b"]) as out:
    out.table.write_text("made of " + open("out/a.csv").read())
"""


REFUSE = """
import builtins, errno
real = builtins.open
def refuse(file, *arguments, **named):
    if str(file) == "out/b/part":
        raise PermissionError(errno.EACCES, "Permission denied", file)
    return real(file, *arguments, **named)
builtins.open = refuse
"""
"""Root may read everything."""


@pytest.fixture
def consume(run, tmp_path):
    """Make `out/a.csv` and `out/b`; then each call runs a job that reads them and makes `sum.csv`."""
    assert run(WORK).returncode == 0

    def consume():
        command = [sys.executable, "-c", CONSUMER]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)

    return consume


def test_undamaged_inputs_pass(consume, tmp_path):
    assert consume().returncode == 0
    assert (tmp_path / "sum.csv").read_text() == "made of x"


@pytest.mark.parametrize(
    ("file", "content", "advice"),
    [("out/a.csv", "y", "rm out/a.csv, then"), ("out/b/part", "", "rm -r out/b, then")],
    ids=["file", "folder"],
)
def test_damaged_input_is_refused_until_the_advice_is_followed(consume, run, tmp_path, file, content, advice):
    (tmp_path / file).write_text(content)
    done = consume()
    assert done.returncode == 1
    assert done.stderr.strip().startswith(f"ERROR: {file}: is not as the job that made it left it")
    assert advice in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "sum.csv").exists()
    assert run(WORK).returncode == 0  # what the next run does, when the file is deleted
    assert consume().returncode == 0


def test_an_input_that_may_not_be_read_is_named(consume, tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text(REFUSE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    done = consume()
    assert done.returncode == 1
    assert done.stderr.strip().startswith("ERROR: out/b/part: may not be read (Permission denied).")


def test_a_disk_that_cannot_be_read_is_named(consume, tmp_path):
    (tmp_path / "out" / "a.csv").unlink()
    (tmp_path / "out" / "a.csv").symlink_to("/proc/self/mem")  # whose first byte gives EIO
    done = consume()
    assert done.returncode == 1
    assert done.stderr.strip().startswith("ERROR: out/a.csv: cannot be read: Input/output error.")


def test_the_advice_to_keep_an_edited_input_works(consume, tmp_path):
    (tmp_path / "out" / "a.csv").write_text("mine")
    record = consume().stderr.partition("To keep it as it is: rm ")[2].partition(",")[0]
    (tmp_path / record).unlink()
    assert consume().returncode == 0
    assert (tmp_path / "sum.csv").read_text() == "made of mine"


@pytest.mark.parametrize("step", ["_remove", "replace", "write_text"])
def test_a_job_killed_while_its_outputs_appear_leaves_no_record_that_does_not_fit(run, tmp_path, step):
    """Killed at each of the steps in turn: what has a record is as the record says."""
    assert run(WORK).returncode == 0
    owner = {"_remove": "igsed.jobs.console", "replace": "os", "write_text": "pathlib.Path"}[step]
    for count in range(12):
        kill = f"""
    import igsed.jobs.console, itertools, os, pathlib
    real, calls = {owner}.{step}, itertools.count()
    def killed(*arguments, **named):
        if next(calls) == {count}:
            os.kill(os.getpid(), 9)
        return real(*arguments, **named)
    {owner}.{step} = killed
"""
        done = run(WORK.replace('"x"', f'"new {count}"') + kill)
        assert [
            d for name in ("a.csv", "b") for d in integrity.damages(tmp_path / "out" / name) if d.what == "changed"
        ] == []
        if done.returncode == 0:
            break
    assert 1 < count < 11
    assert run(WORK).returncode == 0
    assert left(tmp_path) == MADE
