"""What a process took, written down when it ends.

Python runs this file at the start of every process that has this folder on its PYTHONPATH. Each process adds a line to
the file that IGSED_RECORD names: for a job's script its rule, wildcards and the memory that the rule asks for; wall and
processor time in seconds; the largest resident set in MB, pages of mapped files included.
"""

import atexit
import json
import os
import resource
import sys
import time
from pathlib import Path

_START = time.perf_counter()


def _peak_mb() -> float:
    # Not `ru_maxrss`: on Linux it begins with that of the process which started this one.
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def _record() -> None:
    job = getattr(sys.modules["__main__"], "snakemake", None)
    used = resource.getrusage(resource.RUSAGE_SELF)
    line = {
        "stage": getattr(job, "rule", "snakemake"),
        "wildcards": dict(getattr(job, "wildcards", {})),
        "mem_mb": job.resources.mem_mb if hasattr(job, "rule") else None,
        "seconds": round(time.perf_counter() - _START, 3),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 3),
        "peak_mb": round(_peak_mb(), 1),
    }
    with open(os.environ["IGSED_RECORD"], "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


if "IGSED_RECORD" in os.environ:
    atexit.register(_record)
