"""What the experiment's sounds are: a table, a page and a picture."""

import pandas as pd

from igsed import data_report, events, figures, mixtures
from igsed.console import job
from igsed.sources import soundbank

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    files, params = snakemake.input, snakemake.params
    index = soundbank.read(files.index)
    clips = {split: pd.read_csv(path) for split, path in zip(params.splits, files.clips, strict=True)}
    happened = {split: events.read(path) for split, path in zip(params.splits, files.events, strict=True)}
    table = data_report.table(index, happened, mixtures.Protocol(**params.protocol))
    counts = data_report.clip_counts(clips, params.drawn, params.keep)
    traps = data_report.traps(index, table, counts, params.protocol["sample_rate"], params.protocol["remove_offset"])
    out.csv.write_text(data_report.csv(table), encoding="utf-8")
    out.md.write_text(data_report.markdown(table, counts, traps), encoding="utf-8")
    figures.save(data_report.figure(table), out.svg, out.png)
