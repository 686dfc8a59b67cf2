"""What surrounds a job's work: log, progress, errors that say what to do, and outputs that are whole or absent."""

import contextlib
import logging
import os
import shutil
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace

from tqdm import tqdm

from igsed.errors import InputError


@contextlib.contextmanager
def job(log: str | Path, outputs: Mapping[str, str]) -> Iterator[SimpleNamespace]:
    """Run a job's body; its outputs appear all at once, at the end, or not at all.

    Parameters
    ----------
    log : path
        File for warnings, log messages and tracebacks.
    outputs : mapping
        Name → path of each file or folder that the job makes.

    Yields
    ------
    types.SimpleNamespace
        By name, the temporary paths to write to. They lie beside the final ones and keep their suffix.

    Raises
    ------
    SystemExit
        After an `InputError`, shown as a plain message, or any other error, shown as its last line and the place of the
        traceback.
    """
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        filename=log, filemode="w", level=logging.INFO, format="%(asctime)s %(name)s %(message)s", force=True
    )
    logging.captureWarnings(True)
    final = {name: Path(path) for name, path in outputs.items()}
    temporary = {name: path.with_name(f".part-{path.name}") for name, path in final.items()}
    for path in temporary.values():
        _remove(path)
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield SimpleNamespace(**temporary)
        for path in temporary.values():
            path.lstat()  # Before the first one moves: an output that was never written stops them all.
        for name, path in temporary.items():
            _remove(final[name])
            os.replace(path, final[name])
    except InputError as error:
        logging.error("%s", error)
        sys.exit(f"\nERROR: {error}\n")
    except Exception as error:
        logging.error("%s", traceback.format_exc())
        sys.exit(f"\nERROR: {type(error).__name__}: {error}\n(the full traceback is in {log})\n")
    finally:
        for path in temporary.values():
            _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def progress(items: Iterable, description: str, total: int | None = None) -> tqdm:
    """A progress bar on the terminal; where output is no terminal, a line every ten seconds at most."""
    terminal = sys.stderr.isatty()
    return tqdm(
        items,
        desc=description,
        total=total,
        mininterval=0.5 if terminal else 10.0,
        delay=1.0,
        ascii=not terminal,
        leave=False,
        dynamic_ncols=terminal,
    )
