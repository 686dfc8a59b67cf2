#!/usr/bin/env bash
# Set up everything that igsed needs, in .venv. Safe to call again: what is there is left alone.
#     envs/setup.sh [docs]   docs: also what the documentation site is built with
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { printf '\nERROR: %s\n' "$*" >&2; exit 1; }

# PATH cannot hold a colon. With quotes, dollars, braces or backslashes above it, an environment's own programs do not start
# and nothing can be built in it: then .venv is a link to a place whose name has none.
place=.venv
case $PWD in
    *:*) fail "the folder $PWD has a colon in its name, which PATH cannot hold. Rename it, or move the project." ;;
    *[\"\'\$\`\{\}\\]*) place=${XDG_DATA_HOME:-${HOME:-/tmp}/.local/share}/igsed/$(pwd | cksum | tr ' ' -) ;;
esac

python=${PYTHON:-}
for candidate in ${python:-python3.11 python3.12 python3.13 python3 python}; do
    if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
    python=
done
[ -n "$python" ] || fail "igsed needs Python 3.11 or newer, and none was found. Install it, or name it: make run PYTHON=/path/to/python3.11"

# The environment is complete when it bears the digest of what it was made from and of where it lies.
wanted=$({ pwd; cat envs/requirements.lock envs/cuda.lock pyproject.toml envs/install.sh; } | cksum)
if [ "$(cat .venv/igsed-complete 2>/dev/null)" != "$wanted" ]; then
    echo "Setting up .venv (some minutes, about 2 GB) ..."
    if [ ! -x .venv/bin/python ] || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
        rm -rf .venv "$place"
        if [ "$place" != .venv ]; then
            echo "It lies in $place, because of the name of this folder."
            mkdir -p "$place" && ln -s "$place" .venv || fail "$place cannot be made. Name another folder for it: XDG_DATA_HOME."
        fi
        "$python" -m venv "$place" || fail "$python cannot make a virtual environment. On Debian or Ubuntu type: sudo apt-get install python3-venv"
    fi
    bash envs/install.sh "$place/bin/python" || fail "the packages could not be installed. Check the network and call make again; what is done stays done."
    echo "$wanted" >.venv/igsed-complete
fi

if [ "${1:-}" = docs ]; then
    wanted=$({ echo "$wanted"; cat envs/docs.lock; } | cksum)
    if [ "$(cat .venv/igsed-docs-complete 2>/dev/null)" != "$wanted" ]; then
        echo "Installing what the documentation is built with (a minute, about 150 MB) ..."
        .venv/bin/python -m pip --disable-pip-version-check --quiet install --no-deps --require-hashes -r envs/docs.lock ||
            fail "the packages of envs/docs.lock could not be installed. Check the network and call make docs again."
        echo "$wanted" >.venv/igsed-docs-complete
    fi
fi
