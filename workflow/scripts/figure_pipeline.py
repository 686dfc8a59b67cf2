"""Figure 1: the way of the data."""

from igsed.jobs.console import job
from igsed.report import figures, pipeline_figure

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    figures.save(pipeline_figure.pipeline(), out.svg, out.png)
