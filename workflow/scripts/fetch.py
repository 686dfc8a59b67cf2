"""Fetch a source of the table `config/sources.csv`: download, verify, unpack."""

import logging
from pathlib import Path

from igsed.fetch import table
from igsed.fetch.source import fetch
from igsed.jobs.console import job

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    fetched = fetch(
        snakemake.wildcards.source,
        [table.File(**row) for row in snakemake.params.files],
        Path(snakemake.params.downloads),
        Path(snakemake.params.lock),
        Path(out.folder),
    )
    for file in fetched:
        place = file.url or "the downloads, where it was already"
        logging.info("%s: %d bytes, md5 %s, sha256 %s, from %s", file.file, file.bytes, file.md5, file.sha256, place)
