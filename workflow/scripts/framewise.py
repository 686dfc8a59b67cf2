"""Frame scores of a framewise model."""

import numpy as np
import pandas as pd
from safetensors.numpy import load_file

from igsed.detectors import framewise
from igsed.jobs.console import job
from igsed.scores import Writer
from igsed.timeline import frame_count

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    files, params = snakemake.input, snakemake.params
    head, times = load_file(files.head), np.load(files.times)
    with Writer(out.scores) as writer:
        for k, clip in enumerate(pd.read_csv(files.clips).itertuples()):
            count = frame_count(clip.duration)
            # Mapped anew for every clip: what was read through a map is the process's memory while the map lasts.
            frames = np.load(files.frames, mmap_mode="r")[k]
            scores = framewise.scores(frames, head["weight"], head["bias"], times, count, params.upsampling)
            writer.add(clip.clip, params.labels, scores)
