"""Gather all detectors' numbers and intervals; paired differences and ranks by bootstrap."""

import pandas as pd

from igsed import clips, evaluation, pairwise, seeds
from igsed.jobs.console import job, progress
from igsed.metrics import METRICS, of_pairs, ranking

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    files, params = snakemake.input, snakemake.params
    chosen = list(map(METRICS.find, params.metrics))
    judged = [metric for metric in chosen if metric.of_pairs]
    subsets = {}
    for split, path in zip(params.splits, files.clips, strict=True):
        subsets |= clips.subsets(path, split)
    seed = seeds.sequence(params.seed, "bootstrap")
    resampling = evaluation.Resampling(params.replicates, params.confidence, seed, seed)
    count = len(params.splits)
    pairs_of = {name: files.pairs[count * k : count * (k + 1)] for k, name in enumerate(params.detectors)}

    def read(name):
        return pd.concat(map(pd.read_parquet, pairs_of[name]), ignore_index=True)

    # A detector at a time: the pairs of all would take gigabytes.
    reference, numbers, differences, ranked, drawn = read(params.reference), [], [], {}, {}
    few = ["seed", "clip", "label", "source", "split", *(m.name for m in ranking(chosen))]
    for name in progress(params.detectors, "comparing detectors"):
        pairs = read(name)
        numbers.append(evaluation.tidy(pairs, pd.DataFrame(), of_pairs(chosen), params.parameters))
        compared = subsets, params.choices, judged, params.labels, resampling
        if name != params.reference:
            differences.append(evaluation.differences(pairs, reference, *compared))
        drawn[name] = pairwise.draw(pairs, *compared)
        if name in params.ranked:
            ranked[name] = pairs.loc[pairs["protocol"] == params.protocol, few]
    evaluation.tell_floor(len(params.detectors) - 1, resampling)
    detections = pd.concat(map(pd.read_csv, files.detections), ignore_index=True)
    evaluation.gathered([*numbers, detections]).to_csv(out.metrics, index=False)
    pd.concat(map(pd.read_csv, files.intervals)).to_csv(out.intervals, index=False)
    evaluation.corrected(differences, params.confidence).to_csv(out.differences, index=False)
    pairwise.table(drawn, params.confidence).to_csv(out.pairwise, index=False)
    evaluation.ranking(ranked, subsets, chosen, resampling).to_csv(out.ranking, index=False)
