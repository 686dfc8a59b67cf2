"""Frame scores from what the classifier makes of masked clips."""

import numpy as np
import pandas as pd
from safetensors.numpy import load_file

from igsed import controls, detectors, perturbation, predictions, shards
from igsed.jobs.console import job
from igsed.scores import Writer

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    files, params, seed = snakemake.input, snakemake.params, int(snakemake.wildcards.seed)
    options, detector = controls.Options(**params.options), detectors.find(params.method)
    head = controls.head_of(load_file(files.head), len(params.labels), options, params.seed, seed)
    wanted = predictions.Wanted(pd.read_csv(files.predictions), params.labels, params.all_present)
    places = {clip: k for k, clip in enumerate(pd.read_csv(files.clips)["clip"].astype(str))}
    pooled = np.load(files.features, mmap_mode="r")
    with Writer(out.scores) as writer:
        for _, (clip, masks, embeddings) in shards.masked(files.embeddings):
            if not (targets := wanted.targets(clip)):
                continue
            there = wanted.there(clip)
            asked = list(controls.asked(targets, there, len(params.labels), options, params.seed, clip))
            weight, bias = head["weight"][asked], head["bias"][asked]
            logits, logit = embeddings @ weight.T + bias, pooled[places[clip]] @ weight.T + bias
            scores = perturbation.scores_of(detector, params.settings, masks, logits, logit)
            writer.add(clip, [params.labels[target] for target in targets], controls.finished(scores, options))
