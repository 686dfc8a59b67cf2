"""Judge a detector on test, at its own best percentile and at the shared one."""

import pandas as pd

from igsed import clips, evaluation, labels, metrics, scores
from igsed.console import job

with job(snakemake.log[0], snakemake.output) as out:
    files, params, detector = snakemake.input, snakemake.params, snakemake.wildcards.detector
    names, events = clips.read(files.clips, files.events)
    durations = clips.durations(files.clips)
    reference = events.rename(columns={"event_label": "label"})
    sweeps = {"own": pd.read_csv(files.sweep), "shared": pd.read_csv(files.shared_sweep)}
    tables, detections = [], []
    for k, seed in enumerate(params.seeds):
        found = scores.read(files.scores[k % len(files.scores)])
        predictions = pd.read_csv(files.predictions[k])
        pairs = evaluation.select(predictions, params.pairs)
        values, active = evaluation.rows_of(found, pairs), labels.of_pairs(events, pairs, found.values.shape[1])
        for protocol, sweep in sweeps.items():
            percentile = evaluation.best_percentile(sweep, seed, params.select)
            key = {"detector": detector, "seed": seed, "protocol": protocol, "percentile": percentile}
            tables.append(pairs.join(evaluation.pair_metrics(values, active, percentile)).assign(**key))
            estimated = evaluation.detected_events(found, predictions, percentile)
            for judged in (
                metrics.segment_based(reference, estimated, durations, params.labels, params.segment),
                metrics.event_based(reference, estimated, durations, params.labels, params.collar),
            ):
                detections.append(judged.assign(**key))
    pd.concat(tables).to_parquet(out.pairs, index=False)
    pd.concat(detections).to_csv(out.detections, index=False)
