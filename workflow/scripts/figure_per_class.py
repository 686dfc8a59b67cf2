"""Average precision, Pointing Game and IoU of each class and detector with intervals, the companion of Table III."""

import pandas as pd

from igsed.jobs.console import job
from igsed.report import figures

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    table = pd.read_csv(snakemake.input.table)
    figures.save(figures.per_class(table[table["detector"].isin(snakemake.params.detectors)]), out.svg, out.png)
