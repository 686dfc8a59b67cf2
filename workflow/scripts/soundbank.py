"""Check every recording of the soundbank and assign it to a split."""

from pathlib import Path

from igsed.jobs.console import job, progress
from igsed.soundbanks import desed, soundbank

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    params, root = snakemake.params, snakemake.params.root

    def bar(items):
        return progress(items, "checking recordings")

    if params.kind == "desed":
        listed = Path(root["desed_soundbank"]) / desed.VALIDATION_LIST if params.official else None
        table = desed.index(root, params.labels, params.backgrounds, params.validation_share, listed, progress=bar)
    else:
        licence = "computed by igsed" if params.kind == "procedural" else ""
        table = soundbank.index(root, params.labels, params.validation_share, progress=bar, licence=licence)
    table.to_csv(out.index, index=False)
