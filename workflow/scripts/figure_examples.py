"""Figure 2: clips, what sounds in them, and what each detector says."""

from igsed.jobs.console import job
from igsed.report import examples, figures

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    files, params = snakemake.input, snakemake.params
    by_detector = [dict(zip(params.detectors, paths, strict=True)) for paths in (files.pairs, files.scores)]
    shown = examples.gather(examples.Choice(**params.choice), *by_detector, files.clips, files.events)
    figures.save(figures.examples(shown), out.svg, out.png)
