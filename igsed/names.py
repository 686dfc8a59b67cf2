"""Names: comparing those of files, and ordering those in tables.

The same name can be stored in several ways: "é" is one character, or an "e" and an accent, as macOS writes it. Names
are compared, and used as keys, in one form (Unicode's NFC); a path with which a file is opened keeps its own bytes.
"""

import unicodedata
from collections.abc import Iterable


def normal(name: str) -> str:
    """A name in the form in which names are compared, NFC.

    Examples
    --------
    >>> normal("cafe\\u0301.wav") == normal("caf\\u00e9.wav") == "caf\\u00e9.wav"
    True
    """
    return unicodedata.normalize("NFC", name)


def ordered(found: Iterable[str], known: Iterable[str]) -> list[str]:
    """What was found: the known names in their order, then the others by name.

    Examples
    --------
    >>> ordered(["Dog", "Bird", "Cat"], ["Cat", "Dog", "Speech"])
    ['Cat', 'Dog', 'Bird']
    """
    found, known = set(found), list(known)
    return [item for item in known if item in found] + sorted(found - set(known))
