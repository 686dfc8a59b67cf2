"""The one exception that speaks to the user."""

import re

_LONGEST = 10_000
# Control characters, halves of characters, and what turns the direction of writing.
_HARMFUL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


class InputError(Exception):
    """Something the user gave (a file, a setting, a download) cannot be used.

    The message says what is wrong, where (file, line or key) and what to do; it is shown without a traceback. It often
    quotes the file of a stranger: what would steer a terminal or cannot be encoded is escaped, and a message of more
    than 10 000 characters cut in its middle.
    """

    def __init__(self, message: str):
        super().__init__(_cut(_HARMFUL.sub(lambda match: ascii(match[0])[1:-1], _cut(message))))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]} … {text[-_LONGEST // 2 :]}"
