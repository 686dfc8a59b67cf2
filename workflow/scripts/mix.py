"""Draw and render the clips of one shard."""

import functools

from igsed import audio, events, mixtures
from igsed.console import job, progress
from igsed.sources import soundbank

with job(snakemake.log[0], snakemake.output) as out:
    params, split = snakemake.params, snakemake.wildcards.split
    protocol = mixtures.Protocol(**params.protocol)
    foreground, background = soundbank.pools(soundbank.read(snakemake.input.index), split)
    for part in ("audio", "jams"):
        (out.folder / part).mkdir(parents=True)
    audible, made = functools.partial(mixtures.audible, protocol=protocol), []
    for k in progress(range(*params.clips), f"mixing {split} clips"):
        mixture = mixtures.draw(foreground, background, protocol, params.seed, split, k, audible)
        if mixture is not None:
            waveform = mixtures.render(mixture, protocol, out.folder / "jams" / f"{mixture.clip}.jams")
            audio.write_flac(out.folder / "audio" / f"{mixture.clip}.flac", waveform, protocol.sample_rate)
            made.append(mixture)
    clips = mixtures.clip_table(made, f"{snakemake.output.folder}/audio", protocol.duration)
    clips.to_csv(out.folder / "clips.csv", index=False)
    events.write(out.folder / "events.tsv", mixtures.event_table(made), [f"{m.clip}.flac" for m in made])
