"""What the experiment's sounds are: a table, a page and a picture."""

import pandas as pd

from igsed import events, mixtures
from igsed.jobs.console import job
from igsed.report import data_report, figures, html_tables
from igsed.soundbanks import soundbank

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    files, params = snakemake.input, snakemake.params
    index = soundbank.read(files.index)
    clips = {split: pd.read_csv(path) for split, path in zip(params.splits, files.clips, strict=True)}
    annotated = {split: events.read(path) for split, path in zip(params.splits, files.events, strict=True)}
    protocol = mixtures.Protocol(**params.protocol)
    table = data_report.table(index, annotated, protocol)
    counts = data_report.clip_counts(clips, params.drawn, params.keep)
    real = pd.read_csv(files.real[0], keep_default_na=False) if files.real else None
    traps = data_report.traps(index, table, counts, protocol, real)
    out.csv.write_text(data_report.csv(table), encoding="utf-8")
    out.caveats.write_text(data_report.caveats(traps), encoding="utf-8")
    blocks = data_report.blocks(table, counts, traps, real)
    out.md.write_text(data_report.markdown(blocks), encoding="utf-8")
    out.html.write_text(html_tables.page(data_report.TITLE, blocks), encoding="utf-8")
    figures.save(data_report.figure(table), out.svg, out.png)
