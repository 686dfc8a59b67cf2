"""Make the recordings of a soundbank that makes its own: generate them, or fetch them its own way."""

from pathlib import Path

from igsed.jobs.console import job, progress
from igsed.soundbanks import KINDS

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    params, kind = snakemake.params, KINDS.find(snakemake.params.kind)
    kind.make(
        out.folder,
        Path(params.downloads),
        lambda items: progress(items, f"{kind.name} soundbank"),
        **params.recipe,
    )
