"""Run the frozen body over masked clips, once for all models, classes, and detectors with the same masks."""

import pandas as pd
import torch

from igsed import backbones, controls, detectors, features, perturbation, seeds, shards
from igsed.attribution import masking
from igsed.checksums import file_digest
from igsed.jobs import devices, integrity
from igsed.jobs.console import job, progress
from igsed.timeline import frame_count

# Of the clips' folder only the clips of this job are compared with its record.
unread = snakemake.input.audio
with job(snakemake.log[0], snakemake.output, [path for path in snakemake.input if path != unread]) as out:
    torch.set_num_threads(snakemake.threads)
    files, params, wildcards = snakemake.input, snakemake.params, snakemake.wildcards
    device = devices.pick(snakemake.resources.gpu)
    network = backbones.load(**params.backbone, weights=files.weights)
    if params.control == "random_body":
        controls.shuffle(network, params.seed)
    network = network.to(device)
    detector, path = detectors.find(params.method), snakemake.output.embeddings
    before = dict(shards.masked([path])) if shards.kept(path) else {}
    body = params.control == "random_body"
    known = [*(params[name] for name in ("code", "method", "recipe", "backbone", "seed"))]
    known += [body, device, torch.__version__, file_digest(files.weights)]
    clips = pd.read_csv(files.clips)[slice(*params.clips)]
    with shards.MaskedWriter(out.embeddings) as writer:
        for clip in progress(list(clips.itertuples()), f"masks of {wildcards.masks}, {wildcards.split}"):
            key = shards.key(*known, clip.clip, integrity.check_file(files.audio, clip.path))
            if key not in before:
                waveform = features.waveform(clip.path, network.sample_rate).to(device)
                # For fillers and masks that are drawn.
                torch.manual_seed(seeds.integer(params.seed, "masks", clip.clip))
                draw = seeds.generator(params.seed, "masks", clip.clip)
                masks = perturbation.masks_of(detector, params.recipe["settings"], frame_count(clip.duration), draw)
                found = masking.embeddings(network, waveform, masks, params.recipe["filler"])
                before[key] = shards.Masked(clip.clip, masks, found.cpu().numpy())
            writer.add(key, before[key])
