"""Frame scores that were made elsewhere, checked and brought to the 100 ms grid."""

import pandas as pd

from igsed import controls, detectors
from igsed.jobs.console import job
from igsed.scores import Writer

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    files, params = snakemake.input, snakemake.params
    method, options = detectors.load(params.method, **params.settings), controls.Options(**params.options)
    choose = controls.chooser(files.predictions, params.labels, params.all_present, options, params.seed)
    with Writer(out.scores) as writer:
        for clip, scores in method(snakemake.wildcards.split, pd.read_csv(files.clips), params.labels):
            names, rows = choose(clip)
            writer.add(clip, names, controls.finished(scores[rows], options))
