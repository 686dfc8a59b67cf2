"""Run the frozen body over training clips at other levels."""

import numpy as np
import pandas as pd
import torch

from igsed import backbones, features, seeds
from igsed.jobs import devices
from igsed.jobs.console import job, progress

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    torch.set_num_threads(snakemake.threads)
    params, device = snakemake.params, devices.pick(snakemake.resources.gpu)
    clips = pd.read_csv(snakemake.input.clips)
    draw, count = seeds.generator(params.seed, "levels"), params.levels["clips"]
    rounds = [draw.permutation(len(clips)) for _ in range(-(-count // len(clips)))]
    chosen = clips.iloc[np.sort(np.concatenate(rounds)[:count])]
    gains = draw.uniform(*params.levels["range"], count)
    features.extract(
        backbones.load(**params.backbone, weights=snakemake.input.weights).to(device),
        chosen["path"].to_list(),
        out.frames,
        out.clips,
        device=device,
        gains=10 ** (gains / 20),
        progress=lambda batches: progress(batches, "features of training clips at other levels"),
    )
    chosen.assign(gain=gains).to_csv(out.gains, index=False)
