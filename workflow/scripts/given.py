"""Frame scores that were made elsewhere, checked and brought to the 100 ms grid."""

import pandas as pd

from igsed import detectors
from igsed.jobs.console import job
from igsed.scores import Writer

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    params = snakemake.params
    method = detectors.load(params.method, **params.settings)
    with Writer(out.scores) as writer:
        for clip, scores in method(snakemake.wildcards.split, pd.read_csv(snakemake.input.clips), params.labels):
            writer.add(clip, params.labels, scores)
