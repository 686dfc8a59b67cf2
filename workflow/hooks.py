"""What happens before the first job of a run and after its last, beside the jobs."""

import atexit
import contextlib
import shlex
import sys
import threading
import time
from pathlib import Path

import snakemake_repairs as repairs
from snakemake.exceptions import WorkflowError

from igsed.errors import InputError
from igsed.jobs import provenance, runs
from igsed.jobs.overview import Overview
from igsed.jobs.progress import Status


class Shown:
    """What a run shows of itself: a line, in place of Snakemake's own messages, where it is quiet about rules."""

    def __init__(self, workflow):
        self._screen = repairs.screen(workflow)
        self._lock, self._open = threading.RLock(), contextlib.ExitStack()
        self._overview, self._task = Overview([], 0), ""

    def begin(self, workflow) -> None:
        """Show how far the jobs have got."""
        if self._screen is None:
            return
        self._overview = Overview(repairs.jobs(workflow), time.monotonic(), queued=not workflow.local_exec)
        events = repairs.Events(self._job_begins, self._changed("end"), self._changed("fail"))
        events.listen()
        self._open.callback(events.close)
        self._status = self._open.enter_context(Status(self._line, Path(".snakemake", "igsed-status")))
        self._screen.before = self._status.wipe
        atexit.register(self._open.close)  # where Snakemake ends by an exception, it calls no hook

    def task(self, name: str) -> None:
        """Show what is done after the jobs."""
        self._task = name
        if self._screen is not None:
            self._status.show(now_or_never=True)

    def end(self, failed: bool = False) -> None:
        """Take the line away; after a run that failed, Snakemake names its log."""
        if self._screen is not None:
            self._screen.before, self._screen.after_failure = lambda: None, failed
        self._open.close()

    def _line(self) -> tuple[str, float]:
        with self._lock:
            return self._task or self._overview.text(time.monotonic()), self._overview.share()

    def _job_begins(self, *job) -> None:
        with self._lock:
            self._overview.begin(*job, time.monotonic())
        self._status.show()

    def _changed(self, how: str):
        def change(job, *seconds) -> None:
            with self._lock:
                getattr(self._overview, how)(job, time.monotonic(), *seconds)
            self._status.show()

        return change


def start(workflow, config, shown: Shown) -> None:
    """Before a run that has something to do: what would else end in the middle of Snakemake, or in a wrong record."""
    folder = Path("results", config.experiment)
    try:
        runs.check_writable(folder)
        if repairs.touches(workflow):
            provenance.check_settings(folder, config.model_dump(mode="json"))
    except InputError as error:
        raise WorkflowError(str(error)) from None
    runs.plan(repairs.planned(workflow))
    shown.begin(workflow)


def finish(workflow, config, shown: Shown) -> None:
    """After a run that had something to do: make the report, if the run was a whole one."""
    try:
        runs.plan([])
        if repairs.touches(workflow) or not repairs.reaches(workflow, "manifest"):
            return  # what was not asked for may be of other settings
        folder = Path("results", config.experiment)
        shown.task("making the report")
        problem = repairs.make_report(workflow, folder / "report.html", folder / "config.yaml")
    except OSError as error:
        problem = str(error)
    finally:
        shown.end()
    told = f"Finished. This prints the results: igsed show {shlex.quote(config.experiment)}"
    print(f"\nThe report could not be made: {problem}" if problem else told, file=sys.stderr)


def explain(logs, shown: Shown) -> None:
    """After a run that failed: name the jobs that could not say anything themselves."""
    shown.end(failed=True)
    for name, signal in repairs.ended_from_outside(logs):
        print(
            f"\nERROR: a job of the rule {name} was ended from outside ({signal}). If that was the system for want of "
            "memory (dmesg tells), run fewer jobs at once (make run CORES=1).",
            file=sys.stderr,
        )
