"""Fetch YAMNet's published weights, check and convert them."""

import shutil
from pathlib import Path

from igsed.backbones import yamnet_weights as yamnet
from igsed.backbones.yamnet_conversion import store
from igsed.jobs.console import job

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    index, data, class_map = yamnet.fetch(Path(snakemake.params.downloads))
    store(index, data, out.weights)
    shutil.copyfile(class_map, out.class_map)
