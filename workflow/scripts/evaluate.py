"""Judge a detector on a split, under every protocol."""

import pandas as pd

from igsed import clips, evaluation, scores
from igsed.jobs.console import job

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    files, params, wildcards = snakemake.input, snakemake.params, snakemake.wildcards
    split = clips.read_split(files.clips, files.events, wildcards.split)
    sweeps = evaluation.Sweeps(own=pd.read_csv(files.sweep), shared=pd.read_csv(files.shared_sweep))
    judging = evaluation.Judging(**params.judging)
    pairs, detections = [], []
    for k, seed in enumerate(params.seeds):
        found, predictions = scores.read(files.scores[k % len(files.scores)]), pd.read_csv(files.predictions[k])
        judged = evaluation.judge(found, predictions, split, sweeps, judging, wildcards.detector, seed)
        pairs.append(judged[0])
        detections.append(judged[1])
    pd.concat(pairs).to_parquet(out.pairs, index=False)
    pd.concat(detections).to_csv(out.detections, index=False)
