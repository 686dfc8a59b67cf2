"""Every detector on synthetic clips and on real recordings."""

import pandas as pd

from igsed.jobs.console import job
from igsed.report import html_tables, tables, typesetting

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    files, params = snakemake.input, snakemake.params
    table = tables.recordings(
        pd.read_csv(files.intervals), pd.read_csv(files.metrics), params.detectors, params.protocols
    )
    out.csv.write_text(tables.csv(table), encoding="utf-8")
    out.html.write_text(html_tables.table_page(table), encoding="utf-8")
    out.md.write_text(typesetting.markdown(table), encoding="utf-8")
    out.tex.write_text(typesetting.latex(table), encoding="utf-8")
