"""Training curves of all heads."""

from pathlib import Path

import pandas as pd

from igsed.jobs.console import job
from igsed.report import figures

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    curves = [
        pd.read_csv(path).assign(model=Path(path).parent.name, seed=int(Path(path).stem.removeprefix("seed")))
        for path in snakemake.input.curves
    ]
    figures.save(figures.training(pd.concat(curves, ignore_index=True)), out.svg, out.png)
