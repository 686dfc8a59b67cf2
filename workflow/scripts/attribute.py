"""Explain the clip classifier's decisions on a split, clip by clip."""

import pandas as pd
import torch
from safetensors.torch import load_file

from igsed import attribution, backbones, detectors, features, predictions, seeds
from igsed.classifier import Classifier
from igsed.jobs import devices
from igsed.jobs.console import job, progress
from igsed.scores import Writer

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    torch.set_num_threads(snakemake.threads)
    files, params, wildcards = snakemake.input, snakemake.params, snakemake.wildcards
    device = devices.pick(snakemake.resources.gpu)
    weights = load_file(files.head)
    head = torch.nn.Linear(weights["weight"].shape[1], len(params.labels))
    head.load_state_dict(weights)
    classifier = Classifier(backbones.load(**params.backbone, weights=files.weights), head).eval().to(device)
    method = detectors.load(params.method, **params.settings)
    wanted = predictions.targets(pd.read_csv(files.predictions), params.labels, params.all_present)
    completeness = []
    with Writer(out.scores) as writer:
        clips = pd.read_csv(files.clips).itertuples()
        for clip in progress(list(clips), f"{wildcards.detector}, seed {wildcards.seed}, {wildcards.split}"):
            if not (targets := wanted.get(clip.clip)):
                continue
            waveform = features.waveform(clip.path, classifier.sample_rate).to(device)
            # For methods that draw: the same clip and model give the same, whatever was explained before.
            torch.manual_seed(seeds.integer(params.seed, "attribute", int(wildcards.seed), clip.clip))
            found = attribution.explain(method, classifier, waveform, targets)
            names = [params.labels[target] for target in targets]
            writer.add(clip.clip, names, found.scores)
            numbers = (*found[1:], found.completeness_error)
            completeness += zip([clip.clip] * len(names), names, *(x.tolist() for x in numbers), strict=True)
    columns = ["clip", "label", *attribution.Explanation._fields[1:], "completeness_error"]
    precision = str(head.weight.dtype).removeprefix("torch.")
    table = pd.DataFrame(completeness, columns=columns).assign(device=device, precision=precision)
    table.to_csv(out.completeness, index=False)
