"""Split a resolution in two: `requirements.lock`, and `cuda.lock` with what a CUDA build of torch needs besides.

    python envs/split_lock.py RESOLUTION FOLDER

A CPU build of torch bears the same version as the package index's build, with other contents and without CUDA's
libraries. Its digest is added here, so that either build passes pip's check.
"""

import re
import sys
from pathlib import Path

CPU_BUILDS = {
    # torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl
    "torch==2.13.0": ["6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b"],
}
HEAD = """\
# Made by `make lock` from pyproject.toml. Do not edit by hand.
# Install with: pip install --no-deps --require-hashes -r {name}
"""


def main(resolution: Path, folder: Path) -> None:
    pins = re.split(r"\n(?=\S)", resolution.read_text(encoding="utf-8").strip())
    cuda = [pin for pin in pins if re.match(r"nvidia-|cuda-|triton", pin)]
    for name, part in (("requirements.lock", [pin for pin in pins if pin not in cuda]), ("cuda.lock", cuda)):
        text = "\n".join(map(_with_cpu_builds, part))
        (folder / name).write_text(HEAD.format(name=name) + text + "\n", encoding="utf-8")


def _with_cpu_builds(pin: str) -> str:
    # uv keeps the digests of a pin that it keeps.
    digests = [digest for digest in CPU_BUILDS.get(pin.split()[0], []) if digest not in pin]
    return pin + "".join(f" \\\n    --hash=sha256:{digest}" for digest in digests)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
