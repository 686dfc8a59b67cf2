"""What this workflow needs of Snakemake's inside, and what works around its faults; written for Snakemake 9.27.

Everything else in `workflow/` uses documented features only. Each function says which fault it is for and, where there
is one, the number of Snakemake's issue, so that it can go when the fault does.
"""

import contextlib
import csv
import html
import io
import logging
import os
import re
import shlex
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from snakemake import api
from snakemake import logging as snakemake_logging
from snakemake.exceptions import WorkflowError
from snakemake.persistence import file as file_persistence
from snakemake.settings import enums
from snakemake.sourcecache import LocalSourceFile
from snakemake_interface_executor_plugins.settings import ExecMode
from snakemake_interface_logger_plugins.common import LogEvent


def take_paths_as_they_are() -> None:
    """Let the folder of the checkout have braces in its name.

    Snakemake fills in wildcards in the absolute paths of scripts and environments, so that a brace in the name of a
    folder above them ends the plan; and it looks for its locks by a pattern with such a path, and does not find them.
    No script or environment of this workflow is named by a wildcard.
    """
    LocalSourceFile.format = lambda self, **wildcards: self
    file_persistence.listfiles = _lock_files


def _lock_files(pattern: str) -> Iterator[tuple[str, None]]:
    """The files `<folder>/<number>.<kind>.lock`, for `<folder>/{n,[0-9]+}.<kind>.lock`."""
    folder, name = os.path.split(pattern)
    ending = re.escape(name[name.index("}") + 1 :])
    for found in sorted(os.listdir(folder)):
        if re.fullmatch(rf"[0-9]+{ending}", found):
            yield os.path.join(folder, found), None


def literal(path: str | Path) -> str:
    """A path in a rule whose braces Snakemake shall not read as wildcards."""
    return str(path).replace("{", "{{").replace("}", "}}")


def check_folder(workflow) -> None:
    """Say where to start, before Snakemake only says that it misses `config.yaml`.

    Raises
    ------
    WorkflowError
        The run starts in a folder without `config.yaml`.
    """
    if not Path("config.yaml").exists():
        raise WorkflowError(
            f"There is no config.yaml in {Path.cwd()}, the folder in which the run starts. The workflow reads and "
            f"writes in its own folder: add --directory {shlex.quote(str(workflow.basedir))}, or go there first (cd)."
        )


def configfiles(workflow) -> list[str]:
    """The configuration files in the order in which they are merged.

    Snakemake lists the file of the directive `configfile`, over which the others are merged, last.
    """
    return [*workflow.configfiles[-1:], *workflow.configfiles[:-1]]


def overrides(workflow) -> dict:
    """What `--config` says; Snakemake itself only hands on the merged configuration."""
    return dict(workflow.config_settings.config or {})


def touches(workflow) -> bool:
    """Whether the run only declares its outputs to be up to date (`--touch`)."""
    return workflow.touch


def reaches(workflow, rule: str) -> bool:
    """Whether a run makes, or finds up to date, the outputs of a rule.

    With `--until` Snakemake keeps what it will not run in its graph of jobs.
    """
    dag = workflow.dag
    return any(job.rule.name == rule for job in dag.bfs(dag.dependencies, *dag.targetjobs))


def planned(workflow) -> list[str]:
    """The outputs that a run is going to make."""
    return [str(path) for job in workflow.dag.needrun_jobs() for path in job.output]


def fresh_jobs(configfiles: Iterable[Path]) -> list[dict] | None:
    """The jobs of an experiment that has no results yet; None after an error, which is then told.

    Snakemake's own ways to write down a plan leave out wildcards (`--d3dag`) or stages (`--dry-run`).

    Returns
    -------
    list of dict
        Of every job that makes something: `rule`, `wildcards` (name → value) and `level`, the number of jobs on the
        longest way to it. In the order of levels, then of rules in the workflow: Snakemake's own is that of a set.
    """
    nobodys = {"experiment": f"plan_{uuid.uuid4().hex}"}
    with api.SnakemakeApi(api.OutputSettings(quiet={enums.Quietness.ALL}, dryrun=True)) as snakemake:
        try:
            settings = api.ConfigSettings(configfiles=list(configfiles), config=nobodys)
            planning = snakemake.workflow(api.ResourceSettings(cores=1), settings, snakefile=Path("Snakefile"))
            with contextlib.redirect_stdout(io.StringIO()):
                planning.dag().printrulegraph()
        except Exception as error:  # as Snakemake's own command line does
            snakemake.print_exception(error)
            return None
        dag, levels = planning._workflow.dag, {}

    def level(job) -> int:
        if job not in levels:
            below = [needed for needed in dag.dependencies[job] if dag.needrun(needed)]
            levels[job] = max((level(needed) + 1 for needed in below), default=0)
        return levels[job]

    places = {rule.name: place for place, rule in enumerate(planning._workflow.rules)}
    jobs = sorted(
        (job for job in dag.needrun_jobs() if job.output),
        key=lambda job: (level(job), places[job.rule.name], sorted(job.wildcards_dict.items())),
    )
    return [{"rule": job.rule.name, "wildcards": dict(job.wildcards_dict), "level": level(job)} for job in jobs]


_TOLD = {LogEvent.JOB_STARTED, LogEvent.JOB_FINISHED, LogEvent.PROGRESS, LogEvent.RESOURCES_INFO, LogEvent.RUN_INFO}
"""Events that a run's own line (`igsed.jobs.progress.Status`) tells of."""

_CHATTER = re.compile(
    "Config file .* is (extended|overwritten|replaced) by|Assuming unrestricted shared filesystem|Building DAG of jobs|"
    "Using shell: |Conda environments: ignored|Singularity containers: ignored|Group jobs: inactive|Select jobs to |"
    r"Job \d+ has been submitted with SLURM jobid|Complete log\(s\): |Elapsed time: "
)
"""What Snakemake says of no event and no user needs; in another version's words it would only be seen again."""


class Screen(logging.Filter):
    """What Snakemake writes to the terminal, without what the run's own line tells.

    Errors and warnings pass, and so does everything in Snakemake's own log (`.snakemake/log`). `before` is called
    before anything is written, `after_failure` lets the hints at the end pass.
    """

    def __init__(self):
        super().__init__()
        self.before: Callable[[], None] = lambda: None
        self.after_failure = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether Snakemake writes a message."""
        if record.levelno < logging.WARNING and not self.after_failure:
            chatter = isinstance(record.msg, str) and _CHATTER.match(record.msg)
            if chatter or getattr(record, "event", None) in _TOLD:
                return False
        self.before()
        return True


def screen(workflow) -> Screen | None:
    """Quieten Snakemake, where it is to be quiet about rules (as the default profile wants) and works on jobs itself.

    None, and all as Snakemake has it: in dry runs, in the processes that Snakemake starts for jobs, with `--verbose`,
    `--quiet all`, another choice of `--quiet` without rules, or a logger plugin that writes to the terminal.
    """
    output = workflow.output_settings
    quiet = output.quiet or set()
    usual = enums.Quietness.RULES in quiet and enums.Quietness.ALL not in quiet
    if not usual or output.dryrun or output.verbose or workflow.exec_mode != ExecMode.DEFAULT:
        return None
    handlers = [h for h in snakemake_logging.logger.handlers if isinstance(h, snakemake_logging.ColorizingTextHandler)]
    if not handlers:
        return None
    made = Screen()
    for handler in handlers:
        handler.addFilter(made)
    return made


class Events(logging.Handler):
    """Hands on what happens to jobs: calls `begin(id, rule, wildcards)`, `end(id, seconds)` and `fail(id)`.

    `seconds` is what the job has written into its benchmark, or None.
    """

    def __init__(self, begin: Callable[[int, str, Mapping[str, str]], None], end: Callable, fail: Callable):
        super().__init__()
        self._begin, self._end, self._fail = begin, end, fail
        self._benchmarks: dict[int, str] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Look at a message."""
        event = getattr(record, "event", None)
        try:
            if event == LogEvent.JOB_INFO:
                self._benchmarks[record.jobid] = getattr(record, "benchmark", None) or ""
                self._begin(record.jobid, record.rule_name, record.wildcards or {})
            elif event == LogEvent.JOB_FINISHED:
                self._end(record.job_id, measured(self._benchmarks.get(record.job_id, "")))
            elif event == LogEvent.JOB_ERROR:
                self._fail(record.jobid)
        except Exception:  # a run does not fail because nobody can see how far it is
            self.handleError(record)

    def listen(self) -> None:
        """Begin."""
        snakemake_logging.logger.addHandler(self)

    def close(self) -> None:
        """End."""
        snakemake_logging.logger.removeHandler(self)
        super().close()


def measured(benchmark: str | Path) -> float | None:
    """The seconds that a job has written into its benchmark; None where it has not."""
    try:
        with open(benchmark, newline="", encoding="utf-8") as file:
            return float(list(csv.DictReader(file, delimiter="\t"))[-1]["s"])
    except (OSError, ValueError, LookupError, TypeError):
        return None


def jobs(workflow) -> list[tuple[str, dict[str, str]]]:
    """Rule and wildcards of every job that a run is going to do."""
    return [(job.rule.name, dict(job.wildcards_dict)) for job in workflow.dag.needrun_jobs()]


def made_by_rules(workflow, paths: Iterable[str], wanted: Callable[..., bool]) -> list[str]:
    """Of some paths those that a rule can make, with wildcards that the experiment wants.

    Snakemake deletes the old outputs of a job before it starts it; where the job then fails, it takes them for files
    that the user does not need (its issues 1978, 2966, 3808). `igsed.jobs.runs` remembers them.
    """
    matches = [
        match
        for path in paths
        for rule in workflow.rules
        for output in rule.output
        if (match := output.match(path)) and wanted(**match.groupdict())
    ]
    return [literal(match.string) for match in matches]


def ended_from_outside(logs: Iterable[str | Path]) -> list[tuple[str, str]]:
    """Rule and signal of each job that a signal ended; Snakemake only shows a traceback of its own."""
    said = "".join(Path(path).read_text(encoding="utf-8", errors="replace") for path in logs)
    return re.findall(r"\.(\w+)\.py'+ died with <Signals\.(\w+)", said)


def make_report(workflow, page: Path, settings: Path) -> str:
    """Make the HTML report of an experiment from its `config.yaml`; returns what went wrong, if anything did.

    Snakemake can make a report only in a run of its own.
    """
    # Beside its place until it is whole; an older one would be of older results.
    new = page.with_name(f".part-{page.name}")
    page.unlink(missing_ok=True)
    command = [sys.executable, "-m", "snakemake", "--report", str(new), "--configfile", str(settings), "--cores", "1"]
    made = subprocess.run(
        [*command, "--nolock", "--snakefile", workflow.main_snakefile], capture_output=True, text=True
    )
    if made.returncode:
        new.unlink(missing_ok=True)
        return made.stderr[-2000:]
    title = f"<title>igsed: {html.escape(page.parent.name)}</title>"
    text = new.read_text(encoding="utf-8").replace("<title>Snakemake Report</title>", title, 1)
    new.write_text(text, encoding="utf-8")
    new.replace(page)
    return ""
