"""Clips, what sounds in them, and what each detector says; all detectors, and a few in one column."""

from igsed.jobs.console import job
from igsed.report import examples, figures

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    files, params = snakemake.input, snakemake.params
    by_detector = [dict(zip(params.detectors, paths, strict=True)) for paths in (files.pairs, files.scores)]
    choice = examples.Choice(**params.choice)
    shown = examples.gather(choice, *by_detector, files.clips, files.events)
    figures.save(figures.examples(shown), out.svg, out.png)
    few = examples.few(choice, by_detector[0], params.explanations)
    figures.save(figures.examples_column(examples.column(shown, few)), out.column_svg, out.column_png)
