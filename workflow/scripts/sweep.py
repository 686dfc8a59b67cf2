"""Sweep the parameter of each threshold rule on validation, for a detector."""

import pandas as pd

from igsed import clips, evaluation, scores
from igsed.jobs.console import job

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    files, params = snakemake.input, snakemake.params
    _, events = clips.read(files.clips, files.events)
    curves = []
    for k, seed in enumerate(params.seeds):
        found, predictions = scores.read(files.scores[k % len(files.scores)]), pd.read_csv(files.predictions[k])
        curves.append(evaluation.sweep(found, predictions, events, params.swept, params.pairs, params.select, seed))
    pd.concat(curves).assign(detector=snakemake.wildcards.detector).to_csv(out.sweep, index=False)
