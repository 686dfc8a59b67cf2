"""Train one linear head on cached features."""

import numpy as np
import torch
from safetensors.numpy import save_file

from igsed import clips, detectors, heads, labels, seeds
from igsed.jobs.console import job

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    torch.set_num_threads(snakemake.threads)
    files, params, model = snakemake.input, snakemake.params, snakemake.wildcards.model
    data = []
    for split in ("train", "validation"):
        names, events = clips.read(files[f"{split}_clips"], files[f"{split}_events"])
        if params.learns_from == "frame":
            targets = labels.coarse(events, names, params.labels, np.load(files.times))
        else:
            targets = labels.of_clips(events, names, params.labels)
        data += [heads.Stored(files[f"{split}_features"]), targets]
    pool = detectors.load(params.detector["method"], **params.detector["settings"]) if params.detector else None
    seed = seeds.integer(params.root_seed, "training", model, int(snakemake.wildcards.seed))
    head = heads.train(*data, seed=seed, settings=heads.Settings(**params.settings), pool=pool)
    save_file({"weight": head.weight, "bias": head.bias}, out.head)
    head.curve.to_csv(out.curve, index=False)
