"""Figure 3: IoU and F1 on validation against the parameter of each threshold rule."""

import pandas as pd

from igsed.jobs.console import job
from igsed.report import figures
from igsed.thresholds import RULES

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    sweeps = pd.concat(map(pd.read_csv, snakemake.input.sweeps), ignore_index=True)
    sweeps = sweeps[sweeps["pairs"] == snakemake.params.pairs]
    rules = [RULES.find(name) for name in snakemake.params.rules]
    figures.save(figures.thresholds(sweeps, rules=rules), out.svg, out.png)
