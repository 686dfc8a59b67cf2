"""Run the frozen body over a split's clips, once."""

import numpy as np
import pandas as pd
import torch

from igsed import backbones, features
from igsed.jobs import devices
from igsed.jobs.console import job, progress

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    torch.set_num_threads(snakemake.threads)
    device = devices.pick(snakemake.resources.gpu)
    times = features.extract(
        backbones.load(**snakemake.params.backbone, weights=snakemake.input.weights).to(device),
        pd.read_csv(snakemake.input.clips)["path"],
        out.frames,
        out.clips,
        device=device,
        progress=lambda batches: progress(batches, f"features of {snakemake.wildcards.split} clips"),
    )
    np.save(out.times, times.numpy())
