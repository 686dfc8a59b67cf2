"""Split a resolution in three: `requirements.lock`, `cuda.lock` with what a CUDA build of torch needs besides, and
`docs.lock` with what the documentation site needs besides.

    python envs/split_lock.py RESOLUTION RESOLUTION_WITHOUT_DOCS FOLDER

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


def main(resolution: Path, without_docs: Path, folder: Path) -> None:
    pins, kept = _pins(resolution), {_name(pin) for pin in _pins(without_docs)}
    docs = [pin for pin in pins if _name(pin) not in kept]
    cuda = [pin for pin in pins if re.match(r"nvidia-|cuda-|triton", pin)]
    rest = [pin for pin in pins if pin not in docs and pin not in cuda]
    for name, part in (("requirements.lock", rest), ("cuda.lock", cuda), ("docs.lock", docs)):
        text = "\n".join(map(_with_cpu_builds, part))
        (folder / name).write_text(HEAD.format(name=name) + text + "\n", encoding="utf-8")


def _pins(resolution: Path) -> list[str]:
    return re.split(r"\n(?=\S)", resolution.read_text(encoding="utf-8").strip())


def _name(pin: str) -> str:
    return pin.partition("==")[0]


def _with_cpu_builds(pin: str) -> str:
    # uv keeps the digests of a pin that it keeps.
    digests = [digest for digest in CPU_BUILDS.get(pin.split()[0], []) if digest not in pin]
    return pin + "".join(f" \\\n    --hash=sha256:{digest}" for digest in digests)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
