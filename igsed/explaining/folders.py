"""Many recordings, one after the other or several at a time: what is done is kept, and one that fails stops no other.

Beside the outputs of a recording lies a record, `.<name>.explained`, which says from what they were made. It is written
before them, so outputs that have it are this program's; each output appears whole or not at all. A recording whose
outputs are all there, made from the same file in the same way by the same weights, is passed over. Several calls may
write to one folder at once: the outputs of a recording are written by one call after the other.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import multiprocessing
import os
import shutil
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from igsed.errors import InputError
from igsed.explaining import formats
from igsed.explaining.results import Explained

ENDINGS = (
    *(".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au", ".snd", ".caf", ".w64"),
    *(".rf64", ".voc", ".sph", ".nist"),
)
"""Of the files that are looked for in a folder; a file that is named itself may have any."""


_ENDED = "a process was ended from outside, perhaps for want of memory. Call again, with fewer --jobs."

_REMEDIES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "Free some space there, or name another folder (--out)"),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "Make it writable, or name another folder (--out)"),
    errno.ENAMETOOLONG: "Shorten the recording's name",
}


class Task(NamedTuple):
    """A recording, and the path of its outputs without their endings; None where none are written."""

    sound: Path
    output: Path | None


class Done(NamedTuple):
    """What became of a recording: its explanation (None: it was passed over, or failed), and what went wrong."""

    task: Task
    found: Explained | None
    problem: str = ""


class Wish(NamedTuple):
    """How recordings are to be explained: the model's name and seed, arguments of `igsed.explain`, formats.

    `made_by` is the digest of the model's weights and the method (`igsed.explaining.models.digest`).
    """

    model: str
    seed: int | None
    arguments: dict[str, Any]
    formats: tuple[str, ...]
    force: bool
    made_by: str = ""


def tasks(places: Sequence[Path], out: Path | None) -> list[Task]:
    """The recordings that are meant, folders searched, in the order named and then by name.

    Outputs of a file in a folder lie below `out` as the file lies in the folder. Where two recordings could have an
    output of the same name, both keep the ending of the sound file in theirs.

    Raises
    ------
    InputError
        There is no such place, a folder holds no sound file or cannot be searched, or two files would still have the
        same outputs.
    """
    found: dict[Path, Path] = {}
    for place in places:
        if os.path.isdir(place):
            inside = sorted(
                path
                for path in _files(place)
                if path.suffix.lower() in ENDINGS and path.is_file() and not _hidden(path.relative_to(place))
            )
            if not inside:
                raise InputError(f"{place}: holds no sound file. Name a folder with some of {', '.join(ENDINGS)}.")
            found |= {path: path.relative_to(place) for path in inside if path not in found}
        elif os.path.isfile(place):
            found.setdefault(place, Path(place.name))
        elif os.path.exists(place):  # Path.exists would raise for a name that is too long
            raise InputError(f"{place}: is neither a file nor a folder, but a pipe or a device. Name a file.")
        else:
            raise InputError(f"{place}: there is no such file or folder. Correct the name.")
    if out is None:
        return [Task(path, None) for path in found]
    if repeated := [name for name, times in Counter(found.values()).items() if times > 1]:
        raise InputError(
            f"{repeated[0]}: two recordings have this name. Explain their folders into different ones (--out)."
        )
    names = {path: name.with_suffix("") for path, name in found.items()}
    while clashing := _clashing(names):
        names |= {path: found[path] for path in clashing}
    return [Task(path, out / name) for path, name in names.items()]


def _files(folder: Path) -> Iterator[Path]:
    """All that lies in a folder and those below it, but for folders."""

    def refuse(error: OSError) -> None:
        raise InputError(f"{error.filename}: cannot be searched ({error.strerror}). Allow it, or name other folders.")

    for place, _, names in os.walk(folder, onerror=refuse):
        yield from (Path(place, name) for name in names)


def _clashing(names: Mapping[Path, Path]) -> list[Path]:
    """The recordings that could have an output of the same name as another, and whose name lacks the ending yet."""
    possible = {path: outputs(name, formats.FORMATS) for path, name in names.items()}
    count = Counter(output for of_one in possible.values() for output in of_one)
    return [
        path
        for path, of_one in possible.items()
        if any(count[output] > 1 for output in of_one) and names[path].name != path.name
    ]


def run(todo: Sequence[Task], wish: Wish, jobs: int = 1, model: Any = None) -> Iterator[Done]:
    """Explain recordings, and write what is wished for; in the order in which they are done.

    Parameters
    ----------
    jobs : int
        Processes; 1 for this one alone.
    model : igsed.explaining.models.Model, optional
        One that is loaded already, for a single process.
    """
    if jobs == 1 or len(todo) == 1:
        for task in todo:
            yield one(task, wish, model)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(todo)), context, _begin) as pool:
        waiting = {pool.submit(_elsewhere, task, wish): task for task in todo}
        try:
            for future in as_completed(waiting):
                try:
                    yield future.result()
                except BrokenProcessPool:
                    yield Done(waiting[future], None, f"{waiting[future].sound}: {_ENDED}")
        finally:
            for future in waiting:
                future.cancel()


def one(task: Task, wish: Wish, model: Any = None) -> Done:
    """Explain a recording, unless that has been done."""
    try:
        key = _key(task.sound, wish)
        if task.output is not None:
            if not wish.force and _is_done(task.output, wish.formats, key):
                return Done(task, None)
            _check_free(task.output, wish, key)
        from igsed.explaining import explain

        found = explain(task.sound, model=model or _loaded(wish.model, wish.seed), **wish.arguments)
        if task.output is not None:
            _write(found, task.output, wish, key)
        return Done(task, found)
    except InputError as error:
        return Done(task, None, str(error))
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, "Look at it, or name another folder (--out)")
        return Done(task, None, f"{error.filename or task.output or task.sound}: {error.strerror}. {remedy}.")
    except MemoryError:
        return Done(task, None, f"{task.sound}: does not fit into memory. Free some, or run fewer jobs at once.")
    except Exception as error:  # anything may happen in a model or a method of one's own
        last = traceback.extract_tb(error.__traceback__)[-1]
        return Done(task, None, f"{task.sound}: {type(error).__name__}: {error} ({last.filename}, line {last.lineno}).")


_models: dict[tuple[str, int | None], Any] = {}
"""Of this process: each is loaded once."""


def _loaded(name: str, seed: int | None) -> Any:
    if (name, seed) not in _models:
        from igsed.explaining import models

        _models[name, seed] = models.load(name, seed)
    return _models[name, seed]


def _begin() -> None:
    import torch

    torch.set_num_threads(1)  # there is a process for each core


def _elsewhere(task: Task, wish: Wish) -> Done:
    done = one(task, wish)
    # The recording itself cannot go to another process, and need not.
    return done._replace(found=done.found and _without_sound(done.found))


def _without_sound(found: Explained) -> Explained:
    import dataclasses

    return dataclasses.replace(found, sound=None)


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _key(sound: Path, wish: Wish) -> str:
    """What outputs depend on, as one word; of the sound file its size and time."""
    state = sound.stat()
    parts = [
        version("igsed"),
        wish.model,
        wish.seed,
        wish.arguments,
        wish.made_by,
        state.st_size,
        state.st_mtime_ns,
        os.fspath(sound.name),
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def outputs(output: Path, names: Iterable[str]) -> list[Path]:
    """The files of a recording's formats."""
    return [output.with_name(output.name + formats.find(name).ending) for name in names]


def _record(output: Path) -> Path:
    return output.with_name(f".{output.name}.explained")


def _owned(output: Path) -> dict[str, str]:
    """File → key of what made it, as the record says."""
    try:
        content = json.loads(_record(output).read_text(encoding="utf-8"))
        return {str(name): str(key) for name, key in content.items()}
    except (OSError, ValueError, AttributeError):
        return {}


def _is_done(output: Path, names: Sequence[str], key: str) -> bool:
    owned = _owned(output)
    return all(path.is_file() and owned.get(path.name) == key for path in outputs(output, names))


def _check_free(output: Path, wish: Wish, key: str) -> None:
    """Refuse to overwrite what this program has not made, or has made otherwise."""
    owned = _owned(output)
    for path in outputs(output, wish.formats):
        if path.exists() and owned.get(path.name) != key and not wish.force:
            made = "was made from another state of the recording, or otherwise" if path.name in owned else "exists"
            raise InputError(f"{path}: {made}. Give --force to have it overwritten, or another folder with --out.")


def _write(found: Explained, output: Path, wish: Wish, key: str) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    final = outputs(output, wish.formats)
    with _scratch(output) as scratch:
        parts = [scratch / f".new{formats.find(name).ending}" for name in wish.formats]
        for name, part in zip(wish.formats, parts, strict=True):
            formats.write(found, name, part)
        _check_free(output, wish, key)  # once more: another call may have written there meanwhile
        record = scratch / "record"
        text = json.dumps(_owned(output) | {path.name: key for path in final}, indent=1)
        record.write_text(text + "\n", encoding="utf-8")
        for path in final:
            path.unlink(missing_ok=True)  # so that none has a record that is not its own
        os.replace(record, _record(output))
        for part, path in zip(parts, final, strict=True):
            os.replace(part, path)


def _scratch_of(output: Path) -> Path:
    word = hashlib.sha256(os.fsencode(output.name)).hexdigest()[:16]
    return output.with_name(f".part-{word}")


@contextlib.contextmanager
def _scratch(output: Path) -> Iterator[Path]:
    """An empty folder beside a recording's outputs, for one process at a time; what a killed one left in it goes."""
    folder = _scratch_of(output)
    while True:
        folder.mkdir(exist_ok=True)
        try:
            descriptor = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:  # another process has just ended its work and taken it away
            continue
        try:
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if not _is_at(descriptor, folder):
                continue
            for left in folder.iterdir():
                left.unlink()
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
            return
        finally:
            os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False
