"""What a run shows: one line on a terminal, a few in a file, the results at its end, and every error."""

import functools
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import yaml

from tests.terminals import Terminal, screen
from tests.workflow.project import MINIATURE, Project

CHATTER = re.compile("Finished jobid|Execute |Select jobs|Building DAG|steps|Provided|Job stats|Complete log|Elapsed")
LINE = r"(\w[\w ]*( \([\w, ]+\))? · )?\d+ of \d+ jobs( · about \d+:\d\d left)?|making the report"


def start(project: Project, output) -> subprocess.Popen:
    """`make run`, without setting up."""
    (project.folder / "experiment.yaml").write_text(yaml.safe_dump(MINIATURE))
    command = [sys.executable, "-m", "workflow.run", "--cores", "2", "--gpus", "1", "experiment.yaml"]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment |= {"TERM": "xterm", "NO_COLOR": "1"}
    both = {"stdout": output, "stderr": subprocess.STDOUT}
    # Where the tests run in the background of a shell, SIGINT is ignored, and a child would ignore it too.
    heard = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen(
        command, cwd=project.folder, env=environment, start_new_session=True, preexec_fn=heard, **both
    )


def undo(project: Project) -> None:
    """Let a run have a few jobs."""
    for path in (project.results / "metrics.csv", project.results / "figures" / "pipeline.svg"):
        path.unlink(missing_ok=True)


def test_on_a_terminal_a_run_is_one_line_and_then_the_results(finished):
    undo(finished)
    terminal = Terminal()
    assert start(finished, terminal.outside).wait(300) == 0
    written = terminal.close()
    assert re.search(r"(metrics|figure pipeline) · \d of \d+ jobs", written)
    assert "making the report" in written
    shown = screen(written)
    assert not [line for line in shown if CHATTER.search(line) or re.fullmatch(LINE, line.strip())], shown
    assert "Finished. This prints the results: igsed show miniature" in shown
    assert any(line.startswith("Detector") for line in shown)
    assert shown[-1] == "Open results/miniature/index.html"


def test_in_a_file_a_run_is_few_whole_lines_and_where_nothing_is_to_be_done_the_results(finished):
    undo(finished)
    told = start(finished, subprocess.PIPE).communicate(timeout=300)[0].decode()
    assert not CHATTER.search(told), told
    assert "\r" not in told
    assert "\x1b" not in told
    lines = [line for line in told.splitlines() if re.fullmatch(LINE, line)]
    assert 2 <= len(lines) <= 10
    assert lines[-1] == "making the report"
    assert told.endswith("\nOpen results/miniature/index.html\n")
    again = start(finished, subprocess.PIPE).communicate(timeout=300)[0].decode()
    assert "Nothing to be done" in again
    assert "Finished" not in again
    assert again.partition("\nDetector")[2] == told.partition("\nDetector")[2]


def test_errors_of_jobs_are_shown_with_their_log(editable):
    undo(editable)
    editable.edit("workflow/scripts/figure_pipeline.py", "with job(", "wrong = 1 / 0\nwith job(")
    terminal = Terminal()
    assert start(editable, terminal.outside).wait(300) == 1
    shown = "\n".join(screen(terminal.close()))
    assert "ZeroDivisionError: division by zero" in shown
    assert "Complete log(s): " in shown
    assert "Detector" not in shown
    assert not re.search(r"jobs · about", shown)


def test_an_interrupted_run_ends_without_a_line_and_goes_on_later(finished):
    undo(finished)
    shutil.rmtree(finished.results / "evaluation")  # so many jobs that the last of them do not run yet
    terminal = Terminal()
    run = start(finished, terminal.outside)
    terminal.wait_for(" of ")
    time.sleep(1)
    os.killpg(run.pid, signal.SIGINT)  # as a terminal does for Ctrl-C
    assert run.wait(120) != 0
    assert "jobs" not in screen(terminal.close())[-1]
    assert not (finished.folder / ".snakemake" / "igsed-status").exists()
    assert start(finished, subprocess.DEVNULL).wait(300) == 0


def test_who_asks_for_more_or_for_a_plan_gets_snakemakes_own_words(finished):
    undo(finished)
    assert re.search(r"^total +\d+$", finished.run("--dry-run").stderr + finished.run("--dry-run").stdout, re.MULTILINE)
    said = finished.run("--quiet", "host").stderr
    assert "Finished jobid" in said
    assert "steps" in said
