"""Tables I-III, those of ranks and of baselines, each for machines and for people, the paper's numbers beside ours."""

from pathlib import Path

import pandas as pd

from igsed.jobs.console import job
from igsed.metrics import METRICS
from igsed.report import html_tables, tables, typesetting
from igsed.thresholds import RULES

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    files, params = snakemake.input, snakemake.params
    predictions = [pd.read_csv(path).assign(seed=s) for s, path in zip(params.seeds, files.predictions, strict=True)]
    intervals, metrics = pd.read_csv(files.intervals), pd.read_csv(files.metrics)
    test = intervals[intervals["split"] == "test"]
    components = {"chosen": list(map(METRICS.find, params.metrics)), "rules": list(map(RULES.find, params.rules))}
    main = test[test["protocol"].isin(params.protocols)]
    attributions: dict[str, list[pd.DataFrame]] = {}
    for path in map(Path, files.attributions):
        attributions.setdefault(path.parts[-3], []).append(pd.read_csv(path))
    baselines = tables.baselines({name: pd.concat(parts) for name, parts in attributions.items()}, params.detectors)
    made = {
        "classification": tables.classification(pd.concat(predictions)),
        "detection": tables.detection(
            test,
            metrics[metrics["split"] == "test"],
            params.detectors,
            components["chosen"],
            params.protocols,
            tables.marked(baselines),
        ),
        "per_class": tables.per_class(main, params.detectors, params.protocols),
        "baselines": baselines,
        "ranking": tables.ranking(
            *(table[table["split"] == "test"] for table in map(pd.read_csv, (files.ranking, files.intervals))),
            pd.read_csv(files.differences).query("split == 'test'"),
            params.protocols[0],
            params.detectors,
            tables.marked(baselines),
            params.controls,
        ),
    }
    for name, table in made.items():
        texts = {
            "csv": tables.csv(table),
            "html": html_tables.table_page(table, **components),
            "md": typesetting.markdown(table, **components),
            "tex": typesetting.latex(table, **components),
        }
        for suffix, text in texts.items():
            getattr(out, f"{name}_{suffix}").write_text(text, encoding="utf-8")
