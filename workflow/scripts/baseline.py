"""Frame scores of a detector that knows no model."""

import pandas as pd

from igsed import audio
from igsed.detectors import baselines
from igsed.jobs.console import job
from igsed.scores import Writer

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    params = snakemake.params
    detector = getattr(baselines, snakemake.wildcards.detector)
    with Writer(out.scores) as writer:
        for clip in pd.read_csv(snakemake.input.clips).itertuples():
            scores = detector(*audio.read(clip.path), params.labels, params.seed, clip.clip)
            writer.add(clip.clip, params.labels, scores)
