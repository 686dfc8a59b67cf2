"""IoU of each class and detector with its interval, the companion of Table III."""

import pandas as pd

from igsed.jobs.console import job
from igsed.report import figures

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    figures.save(figures.per_class(pd.read_csv(snakemake.input.table)), out.svg, out.png)
