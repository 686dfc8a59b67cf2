"""Tell the conditions that every class is heard under in every clip of a split."""

import pandas as pd

from igsed import clips, conditions, mixtures, timeline
from igsed.jobs.console import job
from igsed.soundbanks import soundbank

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    files = snakemake.input
    names, annotated = clips.read(files.clips, files.events)
    if files.jams:
        placed, backgrounds = conditions.mixed(files.jams[0], names, soundbank.read(files.index[0]))
    else:
        recordings = pd.read_csv(files.clips, dtype={"recording": str}).set_index("clip")["recording"].to_dict()
        placed, backgrounds = conditions.recorded(annotated, recordings), {}
    frames = timeline.frame_count(snakemake.params.duration)
    bases = {name: mixtures.base_name(name, snakemake.params.variants) for name in names}
    conditions.table(annotated, placed, backgrounds, frames, bases).to_csv(out.conditions, index=False)
