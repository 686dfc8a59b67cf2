"""Frame scores of a detector that knows no model."""

import pandas as pd

from igsed import audio, controls, detectors
from igsed.jobs.console import job
from igsed.scores import Writer

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    files, params = snakemake.input, snakemake.params
    method, options = detectors.load(params.method, **params.settings), controls.Options(**params.options)
    choose = controls.chooser(files.predictions, params.labels, params.all_present, options, params.seed)
    with Writer(out.scores) as writer:
        for clip in pd.read_csv(files.clips).itertuples():
            names, rows = choose(clip.clip)
            scores = method(*audio.read(clip.path), params.labels, params.seed, clip.clip)
            writer.add(clip.clip, names, controls.finished(scores[rows], options))
