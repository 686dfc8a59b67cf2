"""Frame scores of a framewise model."""

import numpy as np
import pandas as pd
from safetensors.numpy import load_file

from igsed.console import job
from igsed.detectors import framewise
from igsed.scores import Writer
from igsed.timeline import frame_count

with job(snakemake.log[0], snakemake.output) as out:
    files, params = snakemake.input, snakemake.params
    head, times, frames = load_file(files.head), np.load(files.times), np.load(files.frames, mmap_mode="r")
    with Writer(out.scores) as writer:
        for k, clip in enumerate(pd.read_csv(files.clips).itertuples()):
            count = frame_count(clip.duration)
            scores = framewise.scores(frames[k], head["weight"], head["bias"], times, count, params.upsampling)
            writer.add(clip.clip, params.labels, scores)
