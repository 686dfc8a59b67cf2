"""Cut real recordings into clips like those of the mixtures, with their events; count what was left out or changed."""

from igsed import events, recordings
from igsed.jobs.console import job, progress

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    params, source = snakemake.params, dict(snakemake.params.source)
    kind = recordings.KINDS.find(source.pop("kind"))
    settings = kind.settings(**source)
    folder, annotations = kind.find(settings, next(iter(snakemake.input), None))
    split = recordings.make(
        recordings.Source(folder, annotations, settings.overlap),
        params.labels,
        recordings.Form(params.sample_rate, params.window, params.remove_offset),
        out.audio,
        snakemake.output.audio,
        progress=lambda names: progress(names, "cutting recordings"),
    )
    split.clips.to_csv(out.clips, index=False)
    events.write(out.events, split.events, [f"{clip}.flac" for clip in split.clips["clip"]])
    split.counts.to_csv(out.counts, index=False)
