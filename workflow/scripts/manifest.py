"""Say where every result came from."""

import json
import sys

import yaml

from igsed.jobs import provenance
from igsed.jobs.console import job

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    params = snakemake.params
    commit, problem = provenance.git_commit(params.root)
    if problem:
        print(f"\nWARNING: {problem}\n", file=sys.stderr)
    manifest = {
        "experiment": params.config["experiment"],
        "config": params.config,
        "config_digest": provenance.value_digest(params.config),
        "code_digests": params.digests,
        "git_commit": commit,
        "git_problem": problem,
        "versions": provenance.versions(),
        "machine": provenance.machine(),
        "device": params.device,
        "precision": "float32",
        "seeds": {"root": params.config["seed"], "training": params.config["training"]["seeds"]},
        "inputs": provenance.digests(snakemake.input.sources),
        "outputs": provenance.digests(snakemake.input.results),
        "records": {k: v for k, v in provenance.records(params.folder).items() if k not in snakemake.output},
        "cost": provenance.costs(f"{params.folder}/benchmarks"),
    }
    out.manifest.write_text(json.dumps(manifest, indent=2, sort_keys=False) + "\n", encoding="utf-8")
    out.config.write_text(yaml.safe_dump(params.config, sort_keys=False), encoding="utf-8")
