"""Check the downloaded CNN14 and put it where the workflow looks for it."""

import os
from pathlib import Path

from igsed import backbones
from igsed.jobs.console import job

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    (checkpoint,) = Path(snakemake.input.folder).glob("*.pth")
    backbones.load("cnn14", checkpoint)
    os.link(checkpoint, out.weights)
    os.utime(out.weights)  # newer than the folder it came from
