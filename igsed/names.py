"""Names: comparing those of files, and ordering those in tables.

The same name can be stored in several ways: "é" is one character, or an "e" and an accent, as macOS writes it. Names
are compared, and used as keys, in one form (Unicode's NFC); a path with which a file is opened keeps its own bytes.
"""

import re
import unicodedata
from collections.abc import Iterable

_NO_TEXT = re.compile("[\ud800-\udfff]")


def normal(name: str) -> str:
    """A name in the form in which names are compared, NFC.

    Examples
    --------
    >>> normal("cafe\\u0301.wav") == normal("caf\\u00e9.wav") == "caf\\u00e9.wav"
    True
    """
    return unicodedata.normalize("NFC", name)


def decodable(name: str) -> str:
    """A name that any text file can hold: bytes of a file's name that are no UTF-8 become U+FFFD.

    Examples
    --------
    >>> decodable("dog\\udcff") == "dog\\ufffd"
    True
    """
    return _NO_TEXT.sub("\ufffd", name)


def printable(told: str) -> str:
    """Text without what would steer a terminal, turn the direction of writing, or cannot be encoded.

    Examples
    --------
    >>> print(printable("dog\\nbarks"))
    dog\\nbarks
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in told)


def ordered(found: Iterable[str], known: Iterable[str]) -> list[str]:
    """What was found: the known names in their order, then the others by name.

    Examples
    --------
    >>> ordered(["Dog", "Bird", "Cat"], ["Cat", "Dog", "Speech"])
    ['Cat', 'Dog', 'Bird']
    """
    found, known = set(found), list(known)
    return [item for item in known if item in found] + sorted(found - set(known))
