"""What every detector reaches under each condition, with intervals."""

import pandas as pd

from igsed import clips, conditions, seeds, strata
from igsed.jobs.console import job, progress

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    files, params = snakemake.input, snakemake.params
    known = {}
    for split, of_clips, of_pairs in zip(params.splits, files.clips, files.conditions, strict=True):
        told = conditions.read(of_pairs)
        for name, chosen in clips.subsets(of_clips, split).items():
            known[name] = told[told["clip"].isin(chosen)]
    for name, told in known.items():
        strata.tell_left_out(told, name)
    found = []
    for path in progress(files.pairs, "strata of detectors"):
        # A detector at a time, since of many clips all pairs are many.
        pairs = pd.read_parquet(path, filters=[("protocol", "==", params.protocol)])
        for name, rows in pairs.groupby("split", sort=False):
            found.append(
                strata.table(
                    rows,
                    known[name],
                    params.metrics,
                    replicates=params.replicates,
                    confidence=params.confidence,
                    seed=seeds.sequence(params.seed, "strata"),
                )
            )
    pd.concat(found or [pd.DataFrame(columns=strata.COLUMNS)]).to_csv(out.strata, index=False)
