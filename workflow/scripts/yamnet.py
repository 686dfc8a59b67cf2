"""Fetch YAMNet's published weights, check and convert them."""

import shutil
from pathlib import Path

from igsed.backbones.yamnet_conversion import store
from igsed.console import job
from igsed.sources import yamnet

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    index, data, class_map = yamnet.fetch(Path(snakemake.params.downloads))
    store(index, data, out.weights)
    shutil.copyfile(class_map, out.class_map)
