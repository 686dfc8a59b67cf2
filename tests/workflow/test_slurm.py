"""The workflow on a cluster: Snakemake's SLURM executor, this project's profile and a real SLURM of one node.

One run serves all tests, because a job through the executor starts Snakemake twice. In this run one job is cancelled,
another one exceeds its time, and a third one fails whenever it is tried.
"""

import copy
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

import pytest
import yaml

from tests.cluster import Cluster, slurm
from tests.terminals import Terminal, screen
from tests.workflow.project import MINIATURE, Project, contents

pytestmark = pytest.mark.slow

SETTINGS = MINIATURE | {"detectors": ["ig", "random"]}
TARGETS = ["results/miniature/metrics.csv", "results/miniature/tables/detection.csv"]
CANCELLED, OVERTIME, FAILING = "figure_pipeline", "figure_training", "data_report"
DISTURBED = [f"results/miniature/figures/{name}.svg" for name in ("pipeline", "training", "data")]

SNAKEMAKE = """
from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

RemoteExecutor.next_seconds_between_status_checks = property(lambda self: 1, lambda self, value: None)
main()
"""
"""Snakemake that asks SLURM for ended jobs every second. The executor's own pauses grow by ten seconds a time."""

HANG_ONCE = """
import pathlib
import time

marker = pathlib.Path("hung") / "{name}"
if not marker.exists():
    marker.touch()
    time.sleep(600)
"""


class Run(NamedTuple):
    """A finished run: what Snakemake said, how it ended, SLURM's record of its jobs."""

    project: Project
    output: str
    returncode: int
    jobs: list[dict[str, str]]

    def of(self, *rules: str) -> list[dict[str, str]]:
        """The jobs of some rules, in SLURM's record."""
        return [job for job in self.jobs if rule(job) in rules]


def rule(job: dict[str, str]) -> str:
    """The rule of a job in SLURM's record."""
    return job.get("Comment", "").removeprefix("rule_").partition("_wildcards_")[0]


def wait_for(condition: Callable[[], str | None], process: subprocess.Popen, seconds: float) -> str:
    """What `condition` returns, once it is something; Snakemake must not end before."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        if found := condition():
            return found
        time.sleep(0.2)
    raise AssertionError("the job to disturb did not start")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Cluster:
    # As many cores as jobs that may hang, and two for the others.
    with slurm(tmp_path_factory.mktemp("slurm"), cpus=4) as running:
        yield running


@pytest.fixture(scope="module")
def run(cluster, new_project) -> Run:
    """The miniature, made by SLURM jobs, some of which meet with an accident."""
    project = new_project(SETTINGS, "project")  # SLURM takes the % in a log's path for a pattern (docs/cluster.md)
    (project.folder / "experiment.yaml").write_text(yaml.safe_dump(SETTINGS))
    (project.folder / "hung").mkdir()
    for name in (CANCELLED, OVERTIME):
        script = project.folder / "workflow" / "scripts" / f"{name}.py"
        script.write_text(HANG_ONCE.format(name=name) + script.read_text())
    script = project.folder / "workflow" / "scripts" / f"{FAILING}.py"
    script.write_text(
        re.sub(
            r"(?m)^with job\(.*$",
            lambda line: f'{line[0]}\n    out.csv.write_text("half")\n    raise ValueError("injected")',
            script.read_text(),
        )
    )

    command = [sys.executable, "-c", SNAKEMAKE, "--profile", "workflow/profiles/slurm", "--quiet", "host"]
    command += ["--configfile", "experiment.yaml", "--config", "device=cuda", "--keep-going", "--"]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    with (project.folder / "output.txt").open("w") as output:
        process = subprocess.Popen(
            [*command, *TARGETS, *DISTURBED], cwd=project.folder, env=environment, stdout=output, stderr=output
        )

    def hanging(name: str) -> str | None:
        ids = [job["JobId"] for job in cluster.jobs() if rule(job) == name and job["JobState"] == "RUNNING"]
        return ids[0] if ids and (project.folder / "hung" / name).exists() else None

    try:
        cluster("scancel", wait_for(lambda: hanging(CANCELLED), process, 300))
        late = wait_for(lambda: hanging(OVERTIME), process, 900)
        soon = datetime.now() + timedelta(seconds=3)  # SLURM's own unit for limits is the minute
        cluster("scontrol", "update", f"JobId={late}", f"EndTime={soon:%Y-%m-%dT%H:%M:%S}")
        process.wait(900)
    finally:
        process.kill()  # An executor that hangs does not hear SIGTERM.
        process.wait()
    return Run(project, (project.folder / "output.txt").read_text(), process.returncode, cluster.jobs())


def test_every_job_goes_through_sbatch(run):
    planned = re.findall(r"^(\w+) +(\d+)$", run.output, flags=re.MULTILINE)
    assert len(planned) > 10, run.output
    again = Counter({CANCELLED: 1, OVERTIME: 1, FAILING: 2})
    assert Counter(map(rule, run.jobs)) - again == {name: int(count) for name, count in planned if name != "total"}
    assert {job["JobState"] for job in run.jobs if rule(job) not in again} == {"COMPLETED"}


def test_the_results_equal_those_of_a_local_run(run, finished, tmp_path):
    local = copy.copy(finished)
    local.folder = tmp_path / "local"
    shutil.copytree(finished.folder, local.folder, symlinks=True)
    local.run(*TARGETS, settings=SETTINGS)
    tables = [f"tables/{name}.csv" for name in ("classification", "detection", "per_class")]
    assert contents(run.project.results, "metrics.csv", *tables) == contents(local.results, "metrics.csv", *tables)


def test_jobs_get_what_their_rules_ask_for(run):
    with_gpu = run.of("features", "attribute")
    assert {job["TresPerJob"] for job in with_gpu} == {"gres:gpu:1"}
    assert {job["JOB_GRES"] for job in with_gpu} == {"gpu:1"}
    others = [job for job in run.jobs if job not in with_gpu]
    assert not [job for job in others if "TresPerJob" in job or "gpu" in job.get("JOB_GRES", "")]
    asked = {rule(job): (job["MinMemoryNode"], job["TimeLimit"], job["NumCPUs"]) for job in run.jobs}
    assert asked["attribute"] == ("4000M", "08:00:00", "1")
    assert asked["tables"] == ("1000M", "00:10:00", "1")
    assert not [job for job in run.jobs if job["TimeLimit"] == "UNLIMITED"]


@pytest.mark.parametrize(("name", "state"), [(CANCELLED, "CANCELLED"), (OVERTIME, "TIMEOUT")])
def test_a_cancelled_or_overtime_job_is_tried_again_with_more_memory_and_time(run, name, state):
    first, second = run.of(name)
    assert (first["JobState"], first["MinMemoryNode"]) == (state, "1000M")
    assert (second["JobState"], second["MinMemoryNode"], second["TimeLimit"]) == ("COMPLETED", "2000M", "00:20:00")
    figure = name.removeprefix("figure_")
    assert (run.project.results / "figures" / f"{figure}.svg").exists()


def test_a_failing_job_is_tried_again_then_reported_with_its_log_and_leaves_nothing(run):
    attempts = [(job["JobState"], job["MinMemoryNode"], job["TimeLimit"]) for job in run.of(FAILING)]
    assert attempts == [
        ("FAILED", "1000M", "00:10:00"),
        ("FAILED", "2000M", "00:20:00"),
        ("FAILED", "3000M", "00:30:00"),
    ]
    assert run.returncode == 1
    log = "results/miniature/logs/data_report.log"
    assert re.search(rf"Error in rule {FAILING}:\n(    .*\n)*    log: {log}", run.output), run.output
    assert "ValueError: injected" in (run.project.folder / log).read_text()
    assert not [path for path in run.project.results.rglob("*data.*") if path.is_file()]


LINE = r"(?:([a-z ]+)(?: \([\w, ]+\))? · )?(\d+) of (\d+) jobs(?: · about (?:\d+:)?\d+:\d\d left)?"
CHATTER = "Finished jobid|submitted with SLURM|Select jobs|Building DAG|steps|Job stats|Complete log"


@pytest.mark.parametrize("on", ["terminal", "file"])
def test_a_run_shows_its_line_as_on_one_machine(cluster, new_project, on):
    """Without `--quiet host`: the job submitted last, how many are done, the time left, and no message about jobs."""
    project = new_project(SETTINGS, "shown")
    (project.folder / "experiment.yaml").write_text(yaml.safe_dump(SETTINGS))
    command = [sys.executable, "-c", SNAKEMAKE, "--profile", "workflow/profiles/slurm"]
    command += ["--configfile", "experiment.yaml", "--", "results/miniature/mixtures/test/events.tsv"]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {"TERM": "xterm"}
    before, terminal = len(cluster.jobs()), Terminal()
    with (project.folder / "output.txt").open("w") as file:
        output = terminal.outside if on == "terminal" else file
        run = subprocess.Popen(command, cwd=project.folder, env=environment, stdout=output, stderr=output)
        try:
            status = run.wait(500)
        finally:
            run.kill()
            run.wait()
            on_terminal = terminal.close()
    written = on_terminal if on == "terminal" else (project.folder / "output.txt").read_text()
    assert status == 0, written
    assert not re.search(CHATTER, written), written
    lines = re.findall(LINE, written)
    assert {int(total) for _, _, total in lines} == {len(cluster.jobs()) - before}
    done = [int(number) for _, number, _ in lines]
    assert done == sorted(done)
    if on == "terminal":
        assert list(dict.fromkeys(name for name, *_ in lines if name)) == [
            "make soundbank",
            "soundbank",
            "mix",
            "mixtures",
        ]
        assert {*done} == {0, 1, 2, 3, 4}
        assert re.search(r"mixtures \(test\) · 3 of 4 jobs · about \d:\d\d left", written)
        assert not [line for line in screen(written) if re.search(LINE, line)]
    else:
        assert "\x1b[J" not in written
        assert len(lines) <= 6
        assert all(re.fullmatch(LINE, line) for line in written.splitlines() if " of 4 jobs" in line)
