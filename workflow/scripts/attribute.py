"""Explain the clip classifier's decisions on some clips of a split."""

import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_file

from igsed import attribution, backbones, controls, detectors, features, predictions, seeds, shards
from igsed.checksums import file_digest
from igsed.classifier import Classifier
from igsed.jobs import devices, integrity
from igsed.jobs.console import job, progress
from igsed.scores import Writer

CLIPS_PER_PASS = 16

# Of the clips' folder only the clips of this job are compared with its record.
unread = snakemake.input.audio
with job(snakemake.log[0], snakemake.output, [path for path in snakemake.input if path != unread]) as out:
    torch.set_num_threads(snakemake.threads)
    files, params, wildcards = snakemake.input, snakemake.params, snakemake.wildcards
    options, seed = controls.Options(**params.options), int(wildcards.seed)
    device = devices.pick(snakemake.resources.gpu)
    head = controls.head_of(load_file(files.head), len(params.labels), options, params.seed, seed)
    network = backbones.load(**params.backbone, weights=files.weights)
    if options.control == "random_body":
        controls.shuffle(network, params.seed)
    classifier = Classifier.of(network, head).to(device)
    rate, extra = classifier.sample_rate, {}
    if files.sounds:
        extra["sounds"] = features.resampled(np.load(files.sounds[0]), params.rate, rate).to(device)
    method = detectors.load(params.method, **params.settings, **extra)
    before = shards.attributed(snakemake.output.scores, snakemake.output.table)
    known = [
        *(params[name] for name in ("code", "method", "settings", "backbone", "labels", "seed")),
        *(options.control, seed, device, torch.__version__),
        *(file_digest(path) for path in (files.weights, files.head, *files.sounds)),
    ]
    wanted = predictions.Wanted(pd.read_csv(files.predictions), params.labels, params.all_present)
    clips = []
    for clip in pd.read_csv(files.clips)[slice(*params.clips)].itertuples():
        if targets := wanted.targets(clip.clip):
            there = wanted.there(clip.clip)
            asked = controls.asked(targets, there, len(params.labels), options, params.seed, clip.clip)
            names = [params.labels[target] for target in targets]
            key = shards.key(*known, clip.clip, integrity.check_file(files.audio, clip.path), names, list(asked))
            clips.append((clip, names, asked, key))

    def questions():
        for clip, _, asked, key in clips:
            if key not in before:
                # For methods that draw: the same clip and model give the same, whatever was explained before.
                draw = seeds.integer(params.seed, "attribute", seed, clip.clip)
                yield attribution.Question(features.waveform(clip.path, rate).to(device), asked, draw)

    found = attribution.explained(method, classifier, questions(), CLIPS_PER_PASS if device == "cuda" else 1)
    rows, what = [], f"{wildcards.source}, seed {seed}, {wildcards.split}"
    with Writer(out.scores) as writer:
        for clip, names, _, key in progress(clips, what):
            result = before[key] if key in before else shards.of_explanation(next(found), clip.clip, names, device)
            writer.add(clip.clip, names, result.scores)
            rows += [{**row, shards.KEY: key} for row in result.rows]
    pd.DataFrame(rows, columns=[*shards.COLUMNS, shards.KEY]).to_csv(out.table, index=False)
