#!/usr/bin/env bash
# Run by Snakemake in a new conda environment. Snakemake starts it in the folder from which it was called.
set -euo pipefail
exec bash envs/install.sh "$(command -v python)"
