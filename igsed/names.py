"""Names of files, compared.

The same name can be stored in several ways: "é" is one character, or an "e" and an accent, as macOS writes it. Names
are compared, and used as keys, in one form (Unicode's NFC); a path with which a file is opened keeps its own bytes.
"""

import unicodedata


def normal(name: str) -> str:
    """A name in the form in which names are compared, NFC.

    Examples
    --------
    >>> normal("cafe\\u0301.wav") == normal("caf\\u00e9.wav") == "caf\\u00e9.wav"
    True
    """
    return unicodedata.normalize("NFC", name)
