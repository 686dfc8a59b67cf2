"""Tables I-III, each as CSV, Markdown and LaTeX, the paper's numbers beside ours."""

import pandas as pd

from igsed.evaluation import PROTOCOLS
from igsed.jobs.console import job
from igsed.report import tables

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    files, params = snakemake.input, snakemake.params
    predictions = [pd.read_csv(path).assign(seed=s) for s, path in zip(params.seeds, files.predictions, strict=True)]
    intervals, metrics = pd.read_csv(files.intervals), pd.read_csv(files.metrics)
    test = intervals[intervals["split"] == "test"]
    made = {
        "classification": tables.classification(pd.concat(predictions)),
        "detection": tables.detection(test, metrics[metrics["split"] == "test"], params.detectors),
        "per_class": tables.per_class(test[test["protocol"].isin(PROTOCOLS)], params.detectors),
    }
    for name, table in made.items():
        for suffix, render in {"csv": tables.csv, "md": tables.markdown, "tex": tables.latex}.items():
            getattr(out, f"{name}_{suffix}").write_text(render(table), encoding="utf-8")
