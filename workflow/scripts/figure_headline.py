"""Every detector at a glance, with intervals; and the same in one column."""

import pandas as pd

from igsed.jobs.console import job
from igsed.report import figures, typesetting

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    table = pd.read_csv(snakemake.input.table)
    table = table[table["protocol"] == snakemake.params.protocol]
    settings = table, snakemake.params.controls, typesetting.MARK, snakemake.params.drawn
    figures.save(figures.headline(*settings), out.svg, out.png)
    figures.save(figures.headline_column(*settings), out.column_svg, out.column_png)
