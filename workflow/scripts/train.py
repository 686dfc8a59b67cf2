"""Train one linear head on cached features."""

import numpy as np
import pandas as pd
import torch
from safetensors.numpy import save_file

from igsed import clips, detectors, heads, labels, seeds
from igsed.jobs.console import job

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    torch.set_num_threads(snakemake.threads)
    files, params, model = snakemake.input, snakemake.params, snakemake.wildcards.model

    def targets_of(split: str) -> tuple[list[str], np.ndarray]:
        names, events = clips.read(files[f"{split}_clips"], files[f"{split}_events"])
        if params.learns_from == "frame":
            return names, labels.coarse(events, names, params.labels, np.load(files.times))
        return names, labels.of_clips(events, names, params.labels)

    # A clip head begins with the same weights whether it learns from other levels or not.
    seed = seeds.integer(
        params.root_seed, "training", model if params.detector else "clip", int(snakemake.wildcards.seed)
    )
    _, validation = targets_of("validation")
    settings = heads.Settings(**params.settings)
    if params.trained_on == "validation":
        learnt, held = heads.four_fifths(len(validation), seed)
        settings = heads.as_long(settings, len(learnt), params.clips)
        data = [
            part
            for rows in (learnt, held)
            for part in (heads.Stored(files.validation_features, rows), validation[rows])
        ]
    else:
        names, targets = targets_of("train")
        features = heads.Stored(files.train_features)
        if hasattr(files, "levels_features"):
            places = pd.Index(names).get_indexer(pd.read_csv(files.levels_clips)["clip"])
            features = heads.Joined([features, heads.Stored(files.levels_features)])
            targets = np.concatenate([targets, targets[places]])
        data = [features, targets, heads.Stored(files.validation_features), validation]
    detector = params.detector and detectors.find(params.detector["method"])
    head = heads.train(
        *data,
        seed=seed,
        settings=settings,
        pool=detector and detectors.load(params.detector["method"], **params.detector["settings"]),
        outputs=detector.outputs(params.detector["settings"]) if detector else 1,
    )
    save_file({"weight": head.weight, "bias": head.bias}, out.head)
    head.curve.to_csv(out.curve, index=False)
