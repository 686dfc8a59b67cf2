"""IoU and F1 on validation against the parameter of each threshold rule, with chance and ceiling."""

import pandas as pd

from igsed import clips, evaluation, labels, timeline
from igsed.jobs.console import job
from igsed.report import chance, figures
from igsed.thresholds import RULES

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    files, params = snakemake.input, snakemake.params
    sweeps = pd.concat(map(pd.read_csv, files.sweeps), ignore_index=True)
    sweeps = sweeps[sweeps["pairs"] == params.pairs]
    expected = None
    if "percentile" in params.rules:
        events, frames = clips.read(files.clips, files.events)[1], timeline.frame_count(params.duration)
        pairs = [evaluation.select(pd.read_csv(path), params.pairs) for path in files.predictions]
        tried = sorted(sweeps["percentile"].dropna().unique())
        expected = pd.concat(chance.of_percentiles(labels.of_pairs(events, each, frames), tried) for each in pairs)
    rules = [RULES.find(name) for name in params.rules]
    figures.save(figures.thresholds(sweeps, rules=rules, chance=expected), out.svg, out.png)
