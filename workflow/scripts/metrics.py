"""Gather all detectors' numbers; intervals and paired differences by bootstrap."""

import pandas as pd

from igsed import clips, evaluation, seeds
from igsed.jobs.console import job

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    files, params = snakemake.input, snakemake.params
    pairs = pd.concat(map(pd.read_parquet, files.pairs), ignore_index=True)
    detections = pd.concat(map(pd.read_csv, files.detections), ignore_index=True)
    evaluation.tidy(pairs, detections, params.metrics, params.parameters).to_csv(out.metrics, index=False)
    subsets = {}
    for split, path in zip(params.splits, files.clips, strict=True):
        subsets |= clips.subsets(path, split)
    intervals, differences = evaluation.compared(
        pairs,
        subsets,
        params.detectors,
        params.reference,
        metrics=params.metrics,
        labels=params.labels,
        replicates=params.replicates,
        confidence=params.confidence,
        seed=seeds.sequence(params.seed, "bootstrap"),
    )
    intervals.to_csv(out.intervals, index=False)
    differences.to_csv(out.differences, index=False)
