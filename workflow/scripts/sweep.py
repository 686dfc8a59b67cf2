"""Sweep a detector's percentile threshold on validation."""

import numpy as np
import pandas as pd

from igsed import clips, evaluation, labels, scores
from igsed.jobs.console import job

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    files, params = snakemake.input, snakemake.params
    names, events = clips.read(files.clips, files.events)
    percentiles = np.arange(params.percentiles[0], params.percentiles[1] + 1)
    curves = []
    for k, seed in enumerate(params.seeds):
        found = scores.read(files.scores[k % len(files.scores)])
        for rule in params.pairs:
            pairs = evaluation.select(pd.read_csv(files.predictions[k]), rule)
            active = labels.of_pairs(events, pairs, found.values.shape[1])
            curve = evaluation.sweep_curve(evaluation.rows_of(found, pairs), active, percentiles, seed)
            curves.append(curve.assign(pairs=rule))
    pd.concat(curves).assign(detector=snakemake.wildcards.detector).to_csv(out.sweep, index=False)
