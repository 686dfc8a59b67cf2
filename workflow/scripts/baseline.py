"""Frame scores of a detector that knows no model."""

import pandas as pd

from igsed import audio, detectors
from igsed.jobs.console import job
from igsed.scores import Writer

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    params = snakemake.params
    method = detectors.load(params.method, **params.settings)
    with Writer(out.scores) as writer:
        for clip in pd.read_csv(snakemake.input.clips).itertuples():
            scores = method(*audio.read(clip.path), params.labels, params.seed, clip.clip)
            writer.add(clip.clip, params.labels, scores)
