"""`make run`: what comes before the workflow, the workflow, and what comes after it.

    python -m workflow.run --cores N --gpus N "config/my bank.yaml config/more.yaml"

The experiment is one argument, as it stands after `EXPERIMENT=`: a file, or several separated by spaces. A file whose
name has spaces is found because it exists; where that is not clear, quotes help.
"""

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from igsed import __main__ as igsed
from igsed.commands import experiments
from igsed.errors import InputError

ROOT = Path(__file__).resolve().parents[1]


def split(text: str) -> list[str]:
    """The files that a text names: as many words together as are a file that exists, else words as the shell's.

    Raises
    ------
    InputError
        A quote has no end.
    """
    words, files = text.split(" "), []
    while words:
        count = next((n for n in range(len(words), 0, -1) if Path(" ".join(words[:n])).is_file()), 0)
        if not count:
            try:
                return [*files, *shlex.split(" ".join(words))]
            except ValueError as error:
                raise InputError(f"EXPERIMENT={text}: {error}. Close the quote.") from None
        files.append(" ".join(words[:count]))
        words = words[count:]
        while words and not words[0]:
            words.pop(0)
    return files


def check_home() -> None:
    """Be sure that Snakemake finds a place for its cache, without which it ends in a traceback.

    Raises
    ------
    InputError
        There is none.
    """
    given = os.environ.get("XDG_CACHE_HOME")
    cache = Path(given or Path.home() / ".cache")
    try:
        (cache / "snakemake").mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=cache / "snakemake"):
            pass
    except OSError as error:
        key = "XDG_CACHE_HOME" if given else "HOME"
        raise InputError(
            f"{cache}: nothing can be written there ({error.strerror}), and Snakemake keeps its cache there, because "
            f"{key} says so. Name a folder that takes files: export XDG_CACHE_HOME={shlex.quote(str(ROOT / '.cache'))}"
        ) from None


def main() -> int:
    """Run an experiment; returns the exit status of the part that failed, or 0."""
    parser = argparse.ArgumentParser(prog="make run", description=__doc__.partition("\n")[0])
    parser.add_argument("experiment", help="configuration files")
    parser.add_argument("--cores", required=True)
    parser.add_argument("--gpus", required=True)
    options = parser.parse_args()
    try:
        files = split(options.experiment)
        check_home()
    except InputError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    for command in (["unlock"], ["check", "--", *files]):
        if status := igsed.main(command):
            return status
    # The last of several files may begin with a dash; a path cannot.
    paths = [f".{os.sep}{path}" if path.startswith("-") else path for path in files]
    snakemake = [sys.executable, "-m", "snakemake", "--configfile", *paths]
    run = subprocess.Popen([*snakemake, "--cores", options.cores, "--resources", f"gpu={options.gpus}"])
    while True:
        try:
            status = run.wait()
            break
        except KeyboardInterrupt:  # Snakemake got it too, and ends its jobs first
            continue
    if status:
        return status
    experiment, _ = experiments.load([Path(file) for file in files])
    print()
    return igsed.main(["show", str(Path("results", experiment.experiment))])


if __name__ == "__main__":
    sys.exit(main())
