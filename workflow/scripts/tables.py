"""Tables I-III, each as CSV, Markdown and LaTeX, the paper's numbers beside ours."""

import pandas as pd

from igsed import tables
from igsed.console import job

with job(snakemake.log[0], snakemake.output) as out:
    files, params = snakemake.input, snakemake.params
    predictions = [pd.read_csv(path).assign(seed=s) for s, path in zip(params.seeds, files.predictions, strict=True)]
    intervals = pd.read_csv(files.intervals)
    made = {
        "classification": tables.classification(pd.concat(predictions)),
        "detection": tables.detection(intervals, pd.read_csv(files.metrics), params.detectors),
        "per_class": tables.per_class(intervals, params.detectors),
    }
    for name, table in made.items():
        for suffix, render in {"csv": tables.csv, "md": tables.markdown, "tex": tables.latex}.items():
            getattr(out, f"{name}_{suffix}").write_text(render(table), encoding="utf-8")
