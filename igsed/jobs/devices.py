"""On which device a job's network runs, and what to do when memory does not suffice.

A workflow that is given N GPUs (``--resources gpu=N``) starts up to N jobs that want one. Each takes a GPU that no
other job holds, by a lock that ends with its process, so that no two meet on one GPU. Where a scheduler has already
given the job its GPU (SLURM sets ``CUDA_VISIBLE_DEVICES``), that one is used.
"""

import contextlib
import logging
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import filelock
import torch

from igsed.errors import InputError

Result = TypeVar("Result")
_HELD: list[filelock.FileLock] = []
"""Locks live as long as the process."""


def pick(gpus: int) -> str:
    """The device for a job that asked for so many GPUs (0 or 1): "cuda", which then is a GPU of its own, or "cpu".

    To be called before anything uses CUDA. A job that asked for a GPU where torch sees none runs on the processor; its
    log says so.
    """
    if not gpus:
        return "cpu"
    if (mine := claim(visible())) is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = mine
    if not torch.cuda.is_available():
        logging.warning("the job asked for a GPU, but torch sees none: it runs on the processor")
        return "cpu"
    logging.info("runs on %s", torch.cuda.get_device_name())
    return "cuda"


def visible() -> list[str]:
    """The GPUs that this process may use, as ``CUDA_VISIBLE_DEVICES`` names them; without it those of the machine."""
    if "CUDA_VISIBLE_DEVICES" in os.environ:
        return [name for name in os.environ["CUDA_VISIBLE_DEVICES"].split(",") if name]
    try:
        command = ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.split()
    except (OSError, subprocess.SubprocessError):
        return []


def claim(gpus: list[str], folder: str | Path | None = None) -> str | None:
    """A GPU that no other process on this machine has claimed, for as long as this process lives.

    Parameters
    ----------
    gpus : list of str
        Names to choose from. A single one is not locked: it was given to this process.
    folder : path, optional
        Where the locks lie; the system's folder for temporary files.

    Returns
    -------
    str or None
        None when there is none to choose from. When all are taken, the first one, shared.
    """
    if len(gpus) <= 1:
        return gpus[0] if gpus else None
    folder = Path(folder or tempfile.gettempdir())
    for name in gpus:
        lock = filelock.FileLock(folder / f"igsed-gpu-{name}.lock", mode=0o666)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            continue
        _HELD.append(lock)
        return name
    logging.warning("all of %d GPUs are taken by other jobs: sharing the first", len(gpus))
    return gpus[0]


def within_memory(work: Callable[[int], Result], batch: int) -> tuple[Result, int]:
    """Do `work(batch)`, with half the batch each time that memory does not suffice.

    Returns
    -------
    The result, and the batch with which it was reached.

    Raises
    ------
    InputError
        Memory does not suffice for a batch of 1.
    """
    while batch > 1:
        try:
            return work(batch), batch
        except RuntimeError as problem:
            if not is_out_of_memory(problem):
                raise
        batch //= 2
        logging.warning("out of memory: going on with %d at a time", batch)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
    with telling_of_memory():
        return work(batch), batch


def is_out_of_memory(problem: RuntimeError) -> bool:
    """Whether torch raised this for want of memory, on a GPU or a CPU."""
    told = ("DefaultCPUAllocator", "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
    return isinstance(problem, torch.OutOfMemoryError) or any(text in str(problem) for text in told)


@contextlib.contextmanager
def telling_of_memory() -> Iterator[None]:
    """Within it, want of memory that nothing helps against is an `InputError` that says what to do."""
    try:
        yield
    except RuntimeError as problem:
        if not is_out_of_memory(problem):
            raise
        raise InputError(
            f"memory does not suffice even for one at a time ({problem}). Free memory, run fewer jobs at once "
            "(--cores), or use another device (key `device`)."
        ) from None
