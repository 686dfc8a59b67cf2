"""Progress: whole lines in a file or pipe, one bar on a terminal however many jobs run there."""

import itertools
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from igsed.jobs import progress
from igsed.jobs.console import progress as counted
from tests.terminals import Terminal, screen

QUICK = "from igsed.jobs import console, progress\nimport os, sys, time\n"
QUICK += "progress._SOON, progress._REDRAW, progress._LINES = 0.05, 0.02, 0.1\n"
LINE = r"\w+: \d+ of 40, \d+ %, \d+:\d\d left"


def work(name: str, count: int = 40, pause: float = 0.02) -> str:
    return f"for _ in console.progress(range({count}), {name!r}):\n    time.sleep({pause})\n"


@pytest.fixture
def start():
    """Start Python with some code; what still runs at the end is killed."""
    started = []

    def run(code: str, stderr) -> subprocess.Popen:
        environment = os.environ | {"TERM": "xterm", "PYTHONIOENCODING": "utf-8"}
        started.append(subprocess.Popen([sys.executable, "-c", QUICK + code], stderr=stderr, env=environment))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.wait()


def drawn(written: str) -> list[str]:
    """The names in the bars, in the order in which these were drawn."""
    return re.findall(r"\n(\w+): +\d+%", written)


@pytest.mark.parametrize("kind", [list, range, dict, iter, "generator"], ids=str)
def test_items_pass_through(kind, capsys):
    items = {list: [0, 1, 2], range: range(3), dict: dict.fromkeys(range(3)), iter: iter(range(3))}
    assert list(counted(items.get(kind) or (k for k in range(3)), "counting")) == [0, 1, 2]
    assert list(counted(items[list][:0], "counting", total=7)) == []
    assert capsys.readouterr().err == ""


@given(st.integers(0, 10**6), st.none() | st.integers(1, 10**6), st.floats(0, 1e6), st.booleans())
def test_a_state_in_words_is_one_line(done, total, seconds, in_bytes):
    state = progress.Progress("work", total, in_bytes=in_bytes)
    state.done = min(done, total or done)
    text = state.line(seconds)
    assert re.fullmatch(r"work: [\d.]+( of [\d.]+)?( MB)?(, (\d|[1-9]\d|100) %)?(, \d+(:\d\d)+ (left|so far))?", text)
    if state.done == total:
        assert text.endswith("100 %, 0:00 left")


def test_what_was_done_before_does_not_count_as_fast():
    state = progress.Progress("bank.zip", 4_000_000, initial=2_000_000, in_bytes=True)
    state.done = 3_000_000
    assert state.line(60) == "bank.zip: 3.0 of 4.0 MB, 75 %, 1:00 left"
    assert progress.Progress("clips", 4, initial=2).line(60) == "clips: 2 of 4, 50 %"


def test_in_a_pipe_lines_are_whole_and_there_are_no_carriage_returns(start):
    read, write = os.pipe()
    jobs = [start(work(name), write) for name in ("mixing", "explaining")]
    os.close(write)
    with open(read, encoding="utf-8", newline="") as pipe:
        told = pipe.read()
    assert [job.wait() for job in jobs] == [0, 0]
    assert "\r" not in told
    assert told.endswith("\n")
    lines = told.splitlines()
    assert all(re.fullmatch(LINE, line) for line in lines), told
    for name in ("mixing", "explaining"):
        assert 2 <= sum(line.startswith(name) for line in lines) <= 40 * 0.02 / 0.1 + 5


def test_in_a_pipe_short_work_is_not_told(start):
    code = work("short", count=4) + "progress._LINES = 10.0\n" + work("seconds", count=20)
    job = start(code, subprocess.PIPE)
    assert job.communicate()[1] == b""


def test_two_lines_of_a_process_keep_their_distance(start):
    """Also where one piece of work follows another, or lies within it."""
    inner = "    for _ in console.progress(range(3), 'inner'):\n        time.sleep(0.02)\n"
    job = start(f"for _ in console.progress(range(10), 'outer'):\n{inner}", subprocess.PIPE)
    lines = job.communicate()[1].decode().splitlines()
    assert 1 <= len(lines) <= 10


def test_on_a_terminal_one_process_draws_at_a_time_and_nothing_is_glued(start):
    terminal = Terminal()
    jobs = [start(work("first"), terminal.outside), start(work("second", count=80), terminal.outside)]
    terminal.wait_for("%")
    for k in range(5):
        before = len(drawn(terminal.written))
        terminal.write(f"{k} of 5 steps done\n")  # as Snakemake does, which knows nothing of bars
        while len(drawn(terminal.written)) <= before + 1 and jobs[1].poll() is None:
            time.sleep(0.01)
    assert [job.wait() for job in jobs] == [0, 0]
    names = drawn(written := terminal.close())
    assert len(names) > 10
    changes = sum(a != b for a, b in itertools.pairwise(names))
    assert changes <= 1
    assert screen(written) == [f"{k} of 5 steps done" for k in range(5)]


def test_who_is_killed_lets_the_terminal_go(start):
    terminal = Terminal()
    first = start(work("first", count=2000), terminal.outside)
    terminal.wait_for("first")
    second = start(work("second", count=2000), terminal.outside)
    time.sleep(1.5)
    assert set(drawn(terminal.written)) == {"first"}
    first.send_signal(signal.SIGKILL)
    terminal.wait_for("second")
    second.terminate()
    assert (first.wait(), second.wait()) == (-signal.SIGKILL, -signal.SIGTERM)
    terminal.close()


def test_messages_of_igsed_wipe_the_bar_of_whichever_process(start):
    terminal = Terminal()
    bar = start(work("bar", count=60), terminal.outside)
    terminal.wait_for("bar")
    failing = "with console.job(os.devnull, {}):\n    raise console.InputError('dog.wav: is silent.')\n"
    others = [start("progress.say('once more')", terminal.outside), start(failing, terminal.outside)]
    assert [job.wait() for job in (*others, bar)] == [0, 1, 0]
    lines = [line for line in screen(terminal.close()) if line.strip()]
    assert sorted(lines) == ["ERROR: dog.wav: is silent.", "once more"]


def test_work_that_fails_leaves_no_bar(start):
    terminal = Terminal()
    code = work("failing") + "    if _ == 30:\n        raise ValueError('it failed')\n"
    assert start(code, terminal.outside).wait() == 1
    written = terminal.close()
    assert drawn(written)
    shown = "\n".join(screen(written))
    assert "it failed" in shown
    assert "%" not in shown


def test_the_innermost_work_is_shown(start):
    terminal = Terminal()
    inner = "    for _ in console.progress(range(20), 'inner'):\n        time.sleep(0.02)\n    time.sleep(0.1)\n"
    assert start(f"for _ in console.progress(range(3), 'outer'):\n{inner}", terminal.outside).wait() == 0
    written = terminal.close()
    assert set(drawn(written)) == {"inner", "outer"}
    assert screen(written) == []


@pytest.mark.parametrize("refusal", ["os.ttyname", "progress.fcntl.flock"])
def test_where_no_lock_can_be_had_a_process_draws(start, refusal):
    terminal = Terminal()
    code = f"def refuse(*_):\n    raise OSError\n{refusal} = refuse\n{work('alone')}"
    assert start(code, terminal.outside).wait() == 0
    assert set(drawn(terminal.close())) == {"alone"}


def test_a_terminal_without_a_cursor_gets_lines(start):
    terminal = Terminal()
    job = start(f"os.environ['TERM'] = 'dumb'\n{work('plain')}", terminal.outside)
    assert job.wait() == 0
    lines = terminal.close().replace("\r\n", "\n").splitlines()
    assert lines
    assert all(re.fullmatch(LINE, line) for line in lines)


RUN = """
progress._TICK, progress._APART, progress._LONG = 0.02, {apart}, {long}
done = [0]
line = lambda: (f"mix · {{done[0]}} of 100 jobs", done[0] / 100)
with progress.Status(line, {place!r}) as status:
    {work}
print("the end", file=sys.stderr)
"""


def run_of(work: str, place, apart: float = 0.1, long: float = 100) -> str:
    return RUN.format(work=work.replace("\n", "\n    "), place=str(place), apart=apart, long=long)


def test_a_run_has_one_line_above_the_bar_of_its_job_and_leaves_nothing(start, tmp_path):
    terminal = Terminal()
    job = (
        f"import subprocess\njob = subprocess.run([sys.executable, '-c', {QUICK + work('mixing')!r}])\ntime.sleep(0.2)"
    )
    assert start(run_of(job, tmp_path / "status"), terminal.outside).wait() == 0
    written = terminal.close()
    assert re.search(r"\nmix · 0 of 100 jobs\r?\nmixing: +\d+%", written), written
    assert screen(written) == ["the end"]
    assert list(tmp_path.iterdir()) == []


def test_lines_of_others_stay_whole_above_a_run(start, tmp_path):
    terminal = Terminal()
    said = "for k in range(5):\n    status.wipe()\n    print(k, 'of 5', file=sys.stderr)\n    time.sleep(0.1)"
    assert start(run_of(said, tmp_path / "status"), terminal.outside).wait() == 0
    shown = screen(terminal.close())
    assert shown == [*(f"{k} of 5" for k in range(5)), "the end"]


def test_a_run_in_a_pipe_tells_a_twentieth_at_a_time_and_not_too_often(start, tmp_path):
    steps = "for k in range(100):\n    done[0] = k + 1\n    status.show()\n    time.sleep(0.01)"
    told = start(run_of(steps, tmp_path / "status", apart=0.0), subprocess.PIPE).communicate()[1].decode()
    *lines, end = told.splitlines()
    assert end == "the end"
    counts = [int(re.fullmatch(r"mix · (\d+) of 100 jobs", line)[1]) for line in lines]
    assert 10 <= len(counts) <= 21
    assert all(b - a >= 5 for a, b in itertools.pairwise(counts))
    told = start(run_of(steps, tmp_path / "status", apart=0.5), subprocess.PIPE).communicate()[1].decode()
    assert 2 <= len(told.splitlines()) <= 6
    assert "\r" not in told
    assert "\x1b" not in told


def test_a_run_without_news_is_told_now_and_then_if_its_line_changes(start, tmp_path):
    changing = "time.sleep(0.5)"
    code = run_of(changing, tmp_path / "status", apart=0.0, long=0.1)
    code = code.replace('f"mix', 'f"{time.monotonic()} mix')
    told = start(code, subprocess.PIPE).communicate()[1].decode().splitlines()
    assert 3 <= len(told) <= 8
    told = start(run_of(changing, tmp_path / "status", apart=0.0, long=0.1), subprocess.PIPE).communicate()[1].decode()
    assert told.splitlines() == ["mix · 0 of 100 jobs", "the end"]


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Mn", "Me"])), st.integers(1, 30))
def test_a_line_is_cut_to_the_columns_of_the_terminal(text, columns):
    shown = progress._cut(text, columns)
    assert text.startswith(shown)
    assert len(shown) <= columns
    assert progress._cut("犬" * 10, 5) == "犬犬"
    assert progress._cut("e\u0301" * 3, 2) == "e\u0301" * 2
