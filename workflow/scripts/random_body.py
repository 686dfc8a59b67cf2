"""Run a body with shuffled weights over a split's clips."""

import pandas as pd
import torch

from igsed import backbones, controls, features
from igsed.jobs import devices
from igsed.jobs.console import job, progress

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    torch.set_num_threads(snakemake.threads)
    params, device = snakemake.params, devices.pick(snakemake.resources.gpu)
    network = controls.shuffle(backbones.load(**params.backbone, weights=snakemake.input.weights), params.seed)
    features.extract(
        network.to(device),
        pd.read_csv(snakemake.input.clips)["path"],
        out.frames,
        out.clips,
        device=device,
        progress=lambda batches: progress(batches, f"shuffled features of {snakemake.wildcards.split} clips"),
    )
