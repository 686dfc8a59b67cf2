"""Check every recording of the soundbank and assign it to a split."""

from igsed.console import job, progress
from igsed.sources import soundbank

with job(snakemake.log[0], snakemake.output) as out:
    params = snakemake.params
    table = soundbank.index(
        params.root,
        params.labels,
        params.validation_share,
        progress=lambda items: progress(items, "checking recordings"),
    )
    table.to_csv(out.index, index=False)
