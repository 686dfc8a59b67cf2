"""What every detector reaches under each condition of the test clips: the companion of `strata.csv`."""

import pandas as pd

from igsed.jobs.console import job
from igsed.report import figures, strata_figure

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    table = pd.read_csv(snakemake.input.table, dtype={"stratum": str})
    here = table[(table["split"] == "test") & table["detector"].isin(snakemake.params.detectors)]
    figures.save(strata_figure.figure(here), out.svg, out.png)
