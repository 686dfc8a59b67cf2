"""Judge a detector on a split, at its own best percentile and at the shared one."""

import pandas as pd

from igsed import clips, evaluation, labels, metrics, scores
from igsed.jobs.console import job

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    files, params, wildcards = snakemake.input, snakemake.params, snakemake.wildcards
    _, events = clips.read(files.clips, files.events)
    durations = clips.durations(files.clips)
    sweeps = {"own": pd.read_csv(files.sweep), "shared": pd.read_csv(files.shared_sweep)}
    tables, detections = [], []
    for k, seed in enumerate(params.seeds):
        found, predicted = scores.read(files.scores[k % len(files.scores)]), pd.read_csv(files.predictions[k])
        for split, chosen in clips.subsets(files.clips, wildcards.split).items():
            predictions, reference = predicted[predicted["clip"].isin(chosen)], events[events["clip"].isin(chosen)]
            reference, lengths = reference.rename(columns={"event_label": "label"}), {c: durations[c] for c in chosen}
            judged = {}  # by percentile, which protocols may share
            for protocol, rule in params.protocols.items():
                sweep = sweeps[protocol.partition("_")[0]]
                percentile = evaluation.best_percentile(sweep[sweep["pairs"] == rule], seed, params.select)
                key = {"detector": wildcards.detector, "seed": seed, "split": split, "protocol": protocol}
                key["percentile"] = percentile
                pairs = evaluation.select(predictions, rule)
                values, active = evaluation.rows_of(found, pairs), labels.of_pairs(events, pairs, found.values.shape[1])
                tables.append(
                    pairs.join(evaluation.pair_metrics(values, active, percentile, pairs["clip"])).assign(**key)
                )
                if percentile not in judged:
                    estimated = evaluation.detected_events(found, predictions, percentile)
                    judged[percentile] = [
                        metrics.segment_based(reference, estimated, lengths, params.labels, params.segment),
                        metrics.event_based(
                            reference, estimated, lengths, params.labels, params.collar, merge=params.merge
                        ),
                    ]
                detections += [table.assign(**key) for table in judged[percentile]]
    pd.concat(tables).to_parquet(out.pairs, index=False)
    pd.concat(detections).to_csv(out.detections, index=False)
