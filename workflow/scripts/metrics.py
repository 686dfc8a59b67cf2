"""Gather all detectors' numbers; intervals and paired differences by bootstrap."""

import pandas as pd

from igsed import clips, evaluation, seeds, statistics
from igsed.console import job

with job(snakemake.log[0], snakemake.output) as out:
    files, params = snakemake.input, snakemake.params
    pairs = pd.concat(map(pd.read_parquet, files.pairs), ignore_index=True)
    detections = pd.concat(map(pd.read_csv, files.detections), ignore_index=True)
    evaluation.tidy(pairs, detections, "test").to_csv(out.metrics, index=False)
    settings = {
        "metrics": statistics.METRICS,
        "labels": params.labels,
        "clips": list(clips.durations(files.clips)),
        "replicates": params.replicates,
        "confidence": params.confidence,
        "seed": seeds.sequence(params.seed, "bootstrap"),
    }
    intervals, differences = [], []
    for protocol in evaluation.PROTOCOLS:
        tables = {
            name: pairs[(pairs["detector"] == name) & (pairs["protocol"] == protocol)] for name in params.detectors
        }
        for name, table in tables.items():
            key = {"detector": name, "protocol": protocol}
            intervals.append(statistics.bootstrap(table, **settings).assign(**key))
            if name != params.reference:
                difference = statistics.paired_difference(table, tables[params.reference], **settings)
                differences.append(difference.assign(**key, minus=params.reference))
    columns = [
        "detector",
        "protocol",
        "label",
        "metric",
        "value",
        "low",
        "high",
        "std",
        "pairs",
        "clips",
        "seeds",
        "undefined",
    ]
    pd.concat(intervals)[columns].to_csv(out.intervals, index=False)
    columns = [columns[0], "minus", *columns[1:7], "p", *columns[8:], "unmatched"]
    pd.DataFrame(pd.concat(differences) if differences else [], columns=columns).to_csv(out.differences, index=False)
