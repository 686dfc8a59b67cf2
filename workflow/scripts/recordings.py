"""Cut real recordings into clips like those of the mixtures, with their events; count what was left out or changed."""

from igsed import events, recordings
from igsed.jobs.console import job, progress

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    params, settings = snakemake.params, snakemake.params.source
    folder, annotations = settings["audio"], settings["annotations"]
    if settings["kind"] == "desed_public_eval":
        folder, annotations = recordings.desed_public_eval(snakemake.input[0])
    split = recordings.make(
        recordings.Source(folder, annotations, settings["overlap"]),
        params.labels,
        recordings.Form(params.sample_rate, params.window, params.remove_offset),
        out.audio,
        snakemake.output.audio,
        progress=lambda names: progress(names, "cutting recordings"),
    )
    split.clips.to_csv(out.clips, index=False)
    events.write(out.events, split.events, [f"{clip}.flac" for clip in split.clips["clip"]])
    split.counts.to_csv(out.counts, index=False)
