"""The classes that are asked for, by the names that a model has for them."""

import difflib
from collections.abc import Container, Iterable, Sequence

import numpy as np

from igsed.errors import InputError

TOP = 5
"""Most classes that are explained where none is named."""

HEARD = 0.5
"""Probability from which on a class is explained unasked; if none has it, the most probable one is."""

_NEAR = 5

_FEW = 20
"""Classes that are all named where one is misspelt."""


def chosen(wanted: Sequence[str] | str | None, known: Sequence[str]) -> list[int] | None:
    """Numbers of the classes named, upper and lower case alike; None where none is named.

    Raises
    ------
    InputError
        One is unknown: which are nearest to it.

    Examples
    --------
    >>> chosen(["speech", "Dog"], ["Cat", "Dog", "Speech"])
    [2, 1]
    """
    if wanted is None:
        return None
    names = [wanted] if isinstance(wanted, str) else list(wanted) if isinstance(wanted, Iterable) else [wanted]
    if foreign := [name for name in names if not isinstance(name, str)]:
        raise InputError(f"labels: {foreign[0]!r} is no name of a class. Give names, such as 'Dog'.")
    if not names:
        raise InputError("labels: names no class. Name some, or give None for the most probable ones.")
    exact = {name: k for k, name in enumerate(known)}
    plain = {_plain(name): k for name, k in reversed(exact.items())}
    if unknown := [name for name in names if name not in exact and _plain(name) not in plain]:
        raise InputError(f"label {unknown[0]!r}: there is no such class.{_advice(unknown[0], plain, known)}")
    return list(dict.fromkeys(exact[name] if name in exact else plain[_plain(name)] for name in names))


def _advice(name: str, plain: Container[str], known: Sequence[str]) -> str:
    parts = name.split(",")
    if len(parts) > 1 and all(_plain(part) in plain for part in parts):
        return f" Name each of these {len(parts)} classes by itself: {' '.join(f'--label {p.strip()}' for p in parts)}."
    near = nearest(name, known)
    did = f" Did you mean {_alternatives(near)}?" if near else ""
    return did + (f" There are {', '.join(known)}." if len(known) <= _FEW else " `igsed explain --labels` lists all.")


def nearest(name: str, known: Sequence[str]) -> list[str]:
    """Up to five names that are like another: those that hold it, then those spelt nearly so.

    Examples
    --------
    >>> nearest("brk", ["Bark", "Dog", "Speech"])
    ['Bark']
    """
    plain = {_plain(label): label for label in known}
    holding = [label for key, label in plain.items() if len(_plain(name)) > 2 and _plain(name) in key]
    close = [plain[key] for key in difflib.get_close_matches(_plain(name), list(plain), n=_NEAR, cutoff=0.6)]
    words = {word: label for key, label in plain.items() for word in key.replace(",", " ").split()}
    close += [words[key] for key in difflib.get_close_matches(_plain(name), list(words), n=_NEAR, cutoff=0.7)]
    return list(dict.fromkeys([*holding, *close]))[:_NEAR]


def heard(probabilities: np.ndarray) -> list[int]:
    """The classes (class,) that are explained unasked, the most probable first."""
    order = np.argsort(-probabilities, kind="stable")[:TOP]
    return [int(k) for k in order if probabilities[k] >= HEARD] or [int(order[0])]


def _plain(name: str) -> str:
    return name.casefold().replace("_", " ").strip()


def _alternatives(names: Sequence[str]) -> str:
    shown = [repr(name) for name in names]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"
