"""Predict the classes of every clip of a split."""

import numpy as np
from safetensors.numpy import load_file

from igsed import clips, labels, predictions
from igsed.jobs.console import job

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    files, params = snakemake.input, snakemake.params
    names, events = clips.read(files.clips, files.events)
    head = load_file(files.head)
    logits = np.load(files.features) @ head["weight"].T + head["bias"]
    present = labels.of_clips(events, names, params.labels)
    predictions.table(names, params.labels, logits, present, params.decision).to_csv(out.predictions, index=False)
