"""Fetch freely licensed recordings from Debian packages and lay them out as a soundbank."""

import logging
import sys
from pathlib import Path

from igsed.jobs.console import job, progress
from igsed.soundbanks import debian

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    report = debian.fetch(
        debian.read(snakemake.params.table),
        out.folder,
        Path(snakemake.params.downloads),
        progress=lambda packages: progress(packages, "unpacking packages"),
    )
    report.to_csv(out.folder / "files.csv", index=False)
    if left_out := debian.notes(report):
        logging.warning("%s", left_out)
        print(f"\n{left_out}\n", file=sys.stderr)
