"""Sweep the parameter of each threshold rule on validation, for a detector."""

import numpy as np
import pandas as pd

from igsed import clips, evaluation, scores
from igsed.jobs.console import job

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    files, params = snakemake.input, snakemake.params
    split = clips.read_split(files.clips, files.events, "validation")
    tables, of_clips = [], {}
    for k, seed in enumerate(params.seeds):
        found, predictions = scores.read(files.scores[k % len(files.scores)]), pd.read_csv(files.predictions[k])
        judged = params.swept, params.pairs, params.select
        tables.append(evaluation.sweep(found, predictions, split.events, *judged, seed))
        curves = evaluation.by_clip(found, predictions, split, *judged)
        of_clips |= {f"{seed} {key}": curve for key, curve in curves.items()}
    pd.concat(tables).assign(detector=snakemake.wildcards.detector).to_csv(out.sweep, index=False)
    np.savez_compressed(out.by_clip, **of_clips)
