"""The one exception that speaks to the user."""

import contextlib
import difflib
import re
from collections.abc import Iterable, Iterator

_LONGEST = 10_000
# Control characters, halves of characters, and what turns the direction of writing.
_HARMFUL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


class InputError(Exception):
    """Something the user gave (a file, a setting, a download) cannot be used.

    Each message says what is wrong, where (file, line or key) and what to do; it is shown without a traceback. It often
    quotes the file of a stranger: what would steer a terminal or cannot be encoded is escaped, and a message of more
    than 10 000 characters cut in its middle. Several messages are shown one below the other.
    """

    def __init__(self, *messages: str):
        self.messages = tuple(
            _cut(_HARMFUL.sub(lambda match: ascii(match[0])[1:-1], _cut(message))) for message in messages
        )
        super().__init__("\n".join(self.messages))


class Problems:
    """What is wrong in several places, to be reported at once.

    Examples
    --------
    >>> problems = Problems()
    >>> for name in ("a.wav", "b.wav"):
    ...     with problems.noted():
    ...         raise InputError(f"{name}: no such file.")
    >>> problems.messages
    ['a.wav: no such file.', 'b.wav: no such file.']
    """

    def __init__(self):
        self.messages: list[str] = []

    @contextlib.contextmanager
    def noted(self) -> Iterator[None]:
        """Note an `InputError` instead of raising it; the rest of the block is left out."""
        try:
            yield
        except InputError as error:
            self.messages += error.messages

    def tell(self) -> None:
        """Raise an `InputError` with all that was noted, if anything was."""
        if self.messages:
            raise InputError(*self.messages)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]} … {text[-_LONGEST // 2 :]}"


def suggestion(name: str, known: Iterable) -> str:
    """` (did you mean …?)` for a name that is close to a known one, else nothing.

    >>> suggestion("clipz", ["clips", "events"])
    " (did you mean 'clips'?)"
    """
    close = difflib.get_close_matches(name, [str(k) for k in known], n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
