"""Gather all detectors' numbers and intervals; paired differences and ranks by bootstrap."""

import pandas as pd

from igsed import clips, evaluation, seeds
from igsed.jobs.console import job
from igsed.metrics import METRICS, of_pairs

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    files, params = snakemake.input, snakemake.params
    pairs = pd.concat(map(pd.read_parquet, files.pairs), ignore_index=True)
    detections = pd.concat(map(pd.read_csv, files.detections), ignore_index=True)
    chosen = list(map(METRICS.find, params.metrics))
    evaluation.tidy(pairs, detections, of_pairs(chosen), params.parameters).to_csv(out.metrics, index=False)
    pd.concat(map(pd.read_csv, files.intervals)).to_csv(out.intervals, index=False)
    subsets = {}
    for split, path in zip(params.splits, files.clips, strict=True):
        subsets |= clips.subsets(path, split)
    seed = seeds.sequence(params.seed, "bootstrap")
    resampling = evaluation.Resampling(params.replicates, params.confidence, seed, seed)
    evaluation.differences(
        pairs, subsets, params.detectors, params.reference, of_pairs(chosen), params.labels, resampling
    ).to_csv(out.differences, index=False)
    evaluation.ranking(pairs, subsets, params.ranked, params.protocol, chosen, resampling).to_csv(
        out.ranking, index=False
    )
