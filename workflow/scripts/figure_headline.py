"""Every detector at a glance, with intervals; and the same in one column."""

import pandas as pd

from igsed.jobs.console import job
from igsed.report import figures, tables

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    table = pd.read_csv(snakemake.input.table)
    table = table[table["protocol"] == snakemake.params.protocol]
    controls = snakemake.params.controls
    figures.save(figures.headline(table, controls, tables.MARK), out.svg, out.png)
    figures.save(figures.headline_column(table, controls, tables.MARK), out.column_svg, out.column_png)
