#!/usr/bin/env bash
# Install the locked packages and igsed itself into the environment of a given Python: envs/install.sh PYTHON
set -euo pipefail
python=$1
here=$(cd "$(dirname "$0")" && pwd)
pip=("$python" -m pip --disable-pip-version-check --quiet)
wheels=$(mktemp -d)
trap 'rm -rf "$wheels"' EXIT

# torch first and by itself: which build pip takes, for the CPU or for CUDA, depends on where this machine's pip looks, and
# the lock has the digests of both. Told of the digests at once, pip would pass over a folder of wheels (--find-links).
sed -n '/^torch==/,/[^\\]$/p' "$here/requirements.lock" >"$wheels/torch.lock"
torch=$(sed 's/ .*//; q' "$wheels/torch.lock")
if ! "$python" -c 'import importlib.metadata as m, sys; sys.exit(m.version("torch").partition("+")[0] != sys.argv[1])' "${torch#*==}" 2>/dev/null; then
    "${pip[@]}" download --no-deps --dest "$wheels" "$torch"
    "${pip[@]}" install --no-deps --require-hashes --no-index --find-links "$wheels" -r "$wheels/torch.lock"
fi
# --no-deps: the lock is complete, and Scaper's wish for soxbindings, which has no wheel, must not be granted.
"${pip[@]}" install --no-deps --require-hashes -r "$here/requirements.lock"
if "$python" -c 'import importlib.metadata as m, sys; sys.exit("nvidia-" not in str(m.requires("torch")))'; then
    "${pip[@]}" install --no-deps --require-hashes -r "$here/cuda.lock"
fi
"${pip[@]}" install --no-deps --no-build-isolation --editable "$here/.."
