"""Figure 3: IoU and F1 on validation against the percentile threshold."""

import pandas as pd

from igsed.jobs.console import job
from igsed.report import figures

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    sweeps = pd.concat(map(pd.read_csv, snakemake.input.sweeps), ignore_index=True)
    sweeps = sweeps[sweeps["pairs"] == snakemake.params.pairs]
    figures.save(figures.thresholds(sweeps), out.svg, out.png)
