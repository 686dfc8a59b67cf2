"""What Snakemake says of jobs, handed on to the line of a run."""

import logging

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from workflow import snakemake_repairs as repairs


def said(event, **told):
    record = logging.LogRecord("snakemake", logging.INFO, "", 0, "", None, None)
    record.__dict__.update(event=event, **told)
    return record


@pytest.mark.parametrize(
    ("benchmark", "seconds"),
    [
        ("s\th:m:s\n4.20\t0:00:04\n", 4.2),
        ("s\n1\n7.5\n", 7.5),
        ("", None),
        ("s\n", None),
        ("s\nmuch\n", None),
        (None, None),
    ],
)
def test_a_job_that_ends_says_what_it_measured(tmp_path, benchmark, seconds):
    path, heard = tmp_path / "job.tsv", []
    if benchmark is not None:
        path.write_text(benchmark)
    events = repairs.Events(
        lambda *job: heard.append(job), lambda *job: heard.append(job), lambda *job: heard.append(job)
    )
    events.emit(said(LogEvent.JOB_INFO, jobid=3, rule_name="mix", wildcards={"shard": "0"}, benchmark=str(path)))
    events.emit(said(LogEvent.JOB_ERROR, jobid=3))
    events.emit(said(LogEvent.JOB_INFO, jobid=4, rule_name="tables", wildcards=None, benchmark=None))
    events.emit(said(LogEvent.JOB_FINISHED, job_id=3))
    events.emit(said(LogEvent.JOB_FINISHED, job_id=4))
    assert heard == [(3, "mix", {"shard": "0"}), (3,), (4, "tables", {}), (3, seconds), (4, None)]
