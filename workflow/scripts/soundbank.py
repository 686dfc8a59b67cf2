"""Check every recording of the soundbank and assign it to a split."""

from igsed.jobs.console import job, progress
from igsed.soundbanks import KINDS

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    params, settings = snakemake.params, dict(snakemake.params.settings)
    kind = KINDS.find(settings.pop("kind"))
    table = kind.index(
        dict(zip(params.places, snakemake.input, strict=True)),
        params.labels,
        kind.settings(**settings),
        progress=lambda items: progress(items, "checking recordings"),
    )
    table.to_csv(out.index, index=False)
