"""Gather the shards of a split."""

from pathlib import Path

from igsed import events, mixtures
from igsed.jobs.console import job

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    shards = [Path(shard) for shard in snakemake.input.shards]
    clips, annotated = mixtures.gather(
        shards, out.audio, out.jams, snakemake.output.audio, keep=snakemake.params.get("keep")
    )
    clips.to_csv(out.clips, index=False)
    events.write(out.events, annotated, [f"{clip}.flac" for clip in clips["clip"]])
