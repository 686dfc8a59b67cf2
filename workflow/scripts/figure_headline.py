"""Every detector at a glance: average precision, Pointing Game and IoU with their intervals."""

import pandas as pd

from igsed.jobs.console import job
from igsed.report import figures, typesetting

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    table = pd.read_csv(snakemake.input.table)
    table = table[table["protocol"] == snakemake.params.protocol]
    figures.save(figures.headline(table, snakemake.params.controls, typesetting.MARK), out.svg, out.png)
