"""Sounds of the training clips, for methods that compare a clip with them."""

import numpy as np
import pandas as pd

from igsed import clips, training_sounds
from igsed.jobs.console import job

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    table = pd.read_csv(snakemake.input.clips)
    if snakemake.wildcards.kind == "clips":
        sounds = training_sounds.whole(table["path"], snakemake.params.seed)
    else:
        _, events = clips.read(snakemake.input.clips, snakemake.input.events)
        sounds = training_sounds.backgrounds(table, events)
    np.save(out.sounds, sounds)
