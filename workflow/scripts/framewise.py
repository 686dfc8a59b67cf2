"""Frame scores of a linear head on the body's frames."""

import numpy as np
import pandas as pd
from safetensors.numpy import load_file

from igsed import controls
from igsed.detectors import framewise
from igsed.jobs.console import job
from igsed.scores import Writer
from igsed.timeline import frame_count

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    files, params = snakemake.input, snakemake.params
    options, classes, times = controls.Options(**params.options), len(params.labels), np.load(files.times)
    head = controls.head_of(load_file(files.head), classes, options, params.seed, int(snakemake.wildcards.seed))
    choose = controls.chooser(files.predictions, params.labels, params.all_present, options, params.seed)
    with Writer(out.scores) as writer:
        for k, clip in enumerate(pd.read_csv(files.clips).itertuples()):
            count = frame_count(clip.duration)
            # Mapped anew for every clip: what was read through a map is the process's memory while the map lasts.
            frames = np.load(files.frames, mmap_mode="r")[k]
            scores = framewise.scores(frames, head["weight"], head["bias"], times, count, params.upsampling, classes)
            names, rows = choose(clip.clip)
            writer.add(clip.clip, names, controls.finished(scores[rows], options))
