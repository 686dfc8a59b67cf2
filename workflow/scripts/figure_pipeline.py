"""Figure 1: the way of the data."""

from igsed import figures, pipeline_figure
from igsed.console import job

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    figures.save(pipeline_figure.pipeline(), out.svg, out.png)
