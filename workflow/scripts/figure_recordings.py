"""IoU per class and detector, synthetic test clips against real recordings: the companion of their table."""

import pandas as pd

from igsed.jobs.console import job
from igsed.report import figures

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    table = pd.read_csv(snakemake.input.table)
    figures.save(figures.recordings(table[table["detector"].isin(snakemake.params.detectors)]), out.svg, out.png)
