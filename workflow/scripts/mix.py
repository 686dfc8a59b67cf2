"""Draw and render the clips of one shard."""

from igsed import audio, events, mixtures
from igsed.jobs.console import job, progress
from igsed.soundbanks import soundbank

# Of the recordings, which may be many more, those that are heard are compared with the index.
with job(snakemake.log[0], snakemake.output, [snakemake.input.index]) as out:
    params, split = snakemake.params, snakemake.wildcards.split
    protocol = mixtures.Protocol(**params.protocol)
    index = soundbank.read(snakemake.input.index)
    foreground, background = soundbank.pools(index, split)
    whole, made = soundbank.Unchanged(index, snakemake.input.index), []
    recordings = mixtures.sounds(index, protocol)

    def whole_and_audible(mixture):
        whole(mixture.background, *(event.source for event in mixture.events))
        return mixtures.audible(mixture, protocol, recordings)

    for part in ("audio", "jams"):
        (out.folder / part).mkdir(parents=True)
    conditions = mixtures.Conditions(**params.conditions) if params.conditions else None
    clips = range(*params.clips)
    drawn = mixtures.draw_clips(
        foreground, background, protocol, params.seed, split, clips, whole_and_audible, conditions
    )
    for _, mixture in zip(progress(clips, f"mixing {split} clips"), drawn, strict=True):
        if mixture is not None:
            jams = out.folder / "jams" / f"{mixture.clip}.jams"
            waveform = mixtures.render(mixture, protocol, jams, recordings)
            audio.write_flac(out.folder / "audio" / f"{mixture.clip}.flac", waveform, protocol.sample_rate)
            made.append(mixture)
    clips = mixtures.clip_table(made, f"{snakemake.output.folder}/audio", protocol.duration)
    clips.to_csv(out.folder / "clips.csv", index=False)
    events.write(out.folder / "events.tsv", mixtures.event_table(made), [f"{m.clip}.flac" for m in made])
