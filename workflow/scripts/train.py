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

    def examples(split: str) -> tuple[list[str], heads.Examples]:
        names, events = clips.read(files[f"{split}_clips"], files[f"{split}_events"])
        if params.learns_from == "frame":
            targets = labels.coarse(events, names, params.labels, np.load(files.times))
        else:
            targets = labels.of_clips(events, names, params.labels)
        return names, heads.Examples(heads.Stored(files[f"{split}_features"]), targets)

    # A clip head begins with the same weights whether it learns from other levels or not.
    seed = seeds.integer(params.root_seed, "training", model if params.detector else "clip", int(snakemake.wildcards.seed))
    _, validation = examples("validation")
    if params.trained_on == "validation":
        learnt, validation = heads.parted(validation, seed)
    else:
        names, learnt = examples("train")
    if "levels_features" in files.keys():
        places = pd.Index(names).get_indexer(pd.read_csv(files.levels_clips)["clip"])
        learnt = heads.together(learnt, heads.Examples(heads.Stored(files.levels_features), learnt.targets[places]))
    detector = params.detector and detectors.find(params.detector["method"])
    head = heads.train(
        *learnt,
        *validation,
        seed=seed,
        settings=heads.Settings(**params.settings),
        pool=detector and detectors.load(params.detector["method"], **params.detector["settings"]),
        outputs=detector.outputs(params.detector["settings"]) if detector else 1,
    )
    save_file({"weight": head.weight, "bias": head.bias}, out.head)
    head.curve.to_csv(out.curve, index=False)
