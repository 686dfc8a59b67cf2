"""Generate the procedural soundbank in DESED's layout."""

from igsed.jobs.console import job, progress
from igsed.soundbanks import procedural

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    params = snakemake.params
    procedural.write(
        out.folder,
        params.recordings,
        params.backgrounds,
        params.labels,
        params.seed,
        params.sample_rate,
        progress=lambda items: progress(items, "procedural soundbank"),
    )
