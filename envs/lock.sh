#!/usr/bin/env bash
# Derive the locks from pyproject.toml: envs/lock.sh [OPTION OF uv pip compile …]. Pins that still fit are kept.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
"${PYTHON:-python3}" -m venv "$tools"
"$tools/bin/python" -m pip --disable-pip-version-check --quiet install uv==0.13.9

cat envs/*.lock >"$tools/all.lock"
resolve() {
    "$tools/bin/uv" pip compile --quiet pyproject.toml --group scaper --universal --python-version 3.11 --generate-hashes \
        --no-header --no-annotate "$@"
}
resolve --all-extras --output-file "$tools/all.lock" "$@"
# What is not in the resolution without the extra `docs` is needed by the site alone.
cp "$tools/all.lock" "$tools/without_docs.lock"
resolve --extra workflow --extra dev --output-file "$tools/without_docs.lock"
"$tools/bin/python" envs/split_lock.py "$tools/all.lock" "$tools/without_docs.lock" envs
