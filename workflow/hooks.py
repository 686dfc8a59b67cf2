"""What happens before the first job of a run and after its last, beside the jobs."""

import sys
from pathlib import Path

import snakemake_repairs as repairs
from snakemake.exceptions import WorkflowError

from igsed.errors import InputError
from igsed.jobs import provenance, runs


def start(workflow, config) -> None:
    """Before a run that has something to do: what would else end in the middle of Snakemake, or in a wrong record."""
    folder = Path("results", config.experiment)
    try:
        runs.check_writable(folder)
        if repairs.touches(workflow):
            provenance.check_settings(folder, config.model_dump(mode="json"))
    except InputError as error:
        raise WorkflowError(str(error)) from None
    runs.plan(repairs.planned(workflow))


def finish(workflow, config) -> None:
    """After a run that had something to do: make the report, if the run was a whole one."""
    try:
        runs.plan([])
        if repairs.touches(workflow) or not repairs.reaches(workflow, "manifest"):
            return  # what was not asked for may be of other settings
        folder = Path("results", config.experiment)
        problem = repairs.make_report(workflow, folder / "report.html", folder / "config.yaml")
    except OSError as error:
        problem = str(error)
    print(
        f"\nThe report could not be made: {problem}" if problem else f"\nThe report: {folder}/report.html",
        file=sys.stderr,
    )


def explain(logs) -> None:
    """After a run that failed: name the jobs that could not say anything themselves."""
    for name, signal in repairs.ended_from_outside(logs):
        print(
            f"\nERROR: a job of the rule {name} was ended from outside ({signal}). If that was the system for want of "
            "memory (dmesg tells), run fewer jobs at once (make run CORES=1).",
            file=sys.stderr,
        )
