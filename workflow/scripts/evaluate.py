"""Judge a detector on a split, under every protocol, and say how sure its numbers are."""

import numpy as np
import pandas as pd

from igsed import clips, conditions, evaluation, scores, seeds
from igsed.jobs.console import job

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    files, params, wildcards = snakemake.input, snakemake.params, snakemake.wildcards
    split = clips.read_split(files.clips, files.events, wildcards.split)
    sweeps = evaluation.Sweeps(own=pd.read_csv(files.sweep), shared=pd.read_csv(files.shared_sweep))
    judging = evaluation.Judging(**params.judging)
    of_seeds, pairs, detections = {}, [], []
    for k, seed in enumerate(params.seeds):
        of_seeds[seed] = scores.read(files.scores[k % len(files.scores)])
        predictions = pd.read_csv(files.predictions[k])
        judged = evaluation.judge(of_seeds[seed], predictions, split, sweeps, judging, wildcards.detector, seed)
        pairs.append(judged[0])
        detections.append(judged[1])
    pd.concat(detections).to_csv(out.detections, index=False)
    known = conditions.read(files.conditions)
    sources = known[["clip", "label"]].assign(source=conditions.drawn_together(known))
    table = pd.concat(pairs, ignore_index=True).merge(sources, on=["clip", "label"], how="left", validate="many_to_one")
    table.to_parquet(out.pairs, index=False)
    resampling = evaluation.Resampling(
        params.replicates,
        params.confidence,
        seeds.sequence(params.seed, "bootstrap"),
        seeds.sequence(params.seed, "bootstrap of validation clips"),
    )
    with np.load(files.by_clip) as own, np.load(files.shared_by_clip) as shared:
        curves = {seed: tuple(evaluation.curves_of(seed, given) for given in (own, shared)) for seed in params.seeds}
        found = evaluation.intervals(table, of_seeds, split, curves, params.swept, judging, resampling)
    found.to_csv(out.intervals, index=False)
