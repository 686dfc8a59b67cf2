"""Put the pretrained weights of the network where the workflow looks for them."""

from pathlib import Path

from igsed.backbones import NETWORKS
from igsed.jobs.console import job

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    params, fetched = snakemake.params, next(iter(snakemake.input), None)
    NETWORKS.find(params.backbone).provide(out.weights, params.own["weights"], fetched, Path(params.downloads))
