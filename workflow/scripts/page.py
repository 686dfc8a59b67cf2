"""The page of results, in which the answer comes first."""

import json
from pathlib import Path

import pandas as pd

from igsed.jobs import integrity, provenance
from igsed.jobs.console import job
from igsed.report import citation, page
from igsed.report.page.making import FOLDER

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    files, params = snakemake.input, snakemake.params
    detectors = params.settings["detectors"]
    sources = [
        page.Source(
            split,
            dict(zip(detectors, files[f"{split}_pairs"], strict=True)),
            dict(zip(detectors, files[f"{split}_scores"], strict=True)),
            files[f"{split}_clips"],
            files[f"{split}_events"],
        )
        for split in params.splits
    ]
    facts = {
        "Experiment": params.settings["experiment"],
        "Source recordings": params.sentence,
        **({"Real recordings": params.real} if params.real else {}),
        "Network": params.backbone,
        "Seed of all draws": str(params.random),
        "Seeds of training": ", ".join(map(str, params.seeds)),
        "Software": ", ".join(f"{name} {version}" for name, version in provenance.versions().items()),
    }
    software = citation.of_checkout(params.root)
    tables = [
        pd.read_csv(files[name]) for name in ("intervals", "metrics", "differences", "pairwise", "detection", "data")
    ]
    drawn = dict(zip(params.figures, files.figures, strict=True))
    caveats = json.loads(Path(files.caveats).read_text(encoding="utf-8"))
    results = page.Results(*tables, drawn, sources, caveats, params.downloads)
    made = page.make(results, page.Settings(**params.settings, facts=facts, software=software))
    page.write(made, out.html, getattr(out, "sounds", None))

if not hasattr(snakemake.output, "sounds"):
    # Those of an earlier page, which had them beside it.
    integrity.withdraw(Path(snakemake.output.html).with_name(FOLDER))
