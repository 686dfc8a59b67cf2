"""Say where every result came from."""

import json

from igsed import provenance
from igsed.console import job

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    params = snakemake.params
    manifest = {
        "experiment": params.config["experiment"],
        "config": params.config,
        "config_digest": provenance.value_digest(params.config),
        "code_digests": params.digests,
        "git_commit": provenance.git_commit(params.root),
        "versions": provenance.versions(),
        "machine": provenance.machine(),
        "device": params.device,
        "precision": "float32",
        "seeds": {"root": params.config["seed"], "training": params.config["training"]["seeds"]},
        "inputs": provenance.digests(snakemake.input.sources),
        "outputs": provenance.digests(snakemake.input.results),
        "cost": provenance.costs(params.benchmarks),
    }
    out.manifest.write_text(json.dumps(manifest, indent=2, sort_keys=False) + "\n", encoding="utf-8")
