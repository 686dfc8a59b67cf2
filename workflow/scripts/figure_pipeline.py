"""The data flow."""

from dataclasses import replace

from igsed import detectors
from igsed.jobs.console import job
from igsed.report import figures, pipeline_figure

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    methods = {name: detectors.find(method) for name, method in snakemake.params.methods.items()}
    shown = [replace(method, title=detectors.title_of(name)) for name, method in methods.items()]
    figures.save(pipeline_figure.pipeline(shown), out.svg, out.png)
