#!/usr/bin/env bash
# Install the locked packages and igsed itself into the environment of a given Python: envs/install.sh PYTHON
set -euo pipefail
python=$1
here=$(cd "$(dirname "$0")" && pwd)
pip=("$python" -m pip --disable-pip-version-check --quiet)

# --no-deps: the lock is complete, and Scaper's wish for soxbindings, which has no wheel, must not be granted.
"${pip[@]}" install --no-deps -r "$here/requirements.lock"
# A CUDA build of torch pins its own CUDA libraries, which belong to it and not to the lock. A CPU build needs nothing here.
"${pip[@]}" install "torch==$("$python" -c 'import importlib.metadata as m; print(m.version("torch"))')"
# torchaudio's compiled file fits only the torch that it was built for; igsed uses torchaudio's Python part alone.
if ! "$python" -c 'import torchaudio' 2>/dev/null; then
    "$python" - <<'EOF'
import importlib.util, pathlib
folder = pathlib.Path(importlib.util.find_spec("torchaudio").origin).parent / "lib"
for compiled in folder.glob("_torchaudio*.so"):
    compiled.unlink()
EOF
    "$python" -c 'import torchaudio'
fi
"${pip[@]}" install --no-deps --no-build-isolation --editable "$here/.."
