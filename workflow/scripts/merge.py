"""Frame scores of an attribution method, from those of all clips of a split."""

import pandas as pd

from igsed import controls, scores, shards
from igsed.jobs.console import job

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    options = controls.Options(**snakemake.params.options)
    tables = pd.concat(map(shards.read_table, snakemake.input.tables), ignore_index=True)
    with scores.Writer(out.scores) as writer:
        for path in snakemake.input.scores:
            found = scores.read(path)
            for clip, rows in found.pairs.groupby("clip", sort=False):
                writer.add(clip, rows["label"], controls.finished(found.values[rows.index], options))
    tables.drop(columns=shards.KEY).to_csv(out.completeness, index=False)
