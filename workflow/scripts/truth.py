"""Frame scores from the known events."""

import pandas as pd

from igsed import clips, controls, detectors
from igsed.jobs.console import job
from igsed.scores import Writer

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    files, params = snakemake.input, snakemake.params
    method, options = detectors.load(params.method, **params.settings), controls.Options(**params.options)
    choose = controls.chooser(files.predictions, params.labels, params.all_present, options, params.seed)
    _, events = clips.read(files.clips, files.events)
    by_clip = dict(iter(events.groupby("clip")))
    with Writer(out.scores) as writer:
        for clip in pd.read_csv(files.clips).itertuples():
            names, rows = choose(clip.clip)
            scores = method(by_clip.get(clip.clip, events[:0]), params.labels, clip.duration)
            writer.add(clip.clip, names, controls.finished(scores[rows], options))
