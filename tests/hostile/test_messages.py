"""What a message quotes comes from files of strangers, and goes to a terminal."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from igsed.errors import InputError
from igsed.fetch.download import AddressError
from tests.hostile.mutations import check_message


@settings(deadline=None)
@given(st.text(st.characters(), max_size=50))
@example("\x1b[2J\x9b31m\ud800\r\x7f")
@example("\0" * 100_000)
def test_any_message_can_be_shown(text):
    for kind in (InputError, AddressError):
        check_message(str(kind(f"the file called {text}")))


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=200))
def test_what_can_be_shown_stays(text):
    assert str(InputError(f"{text}:\n  - {text}")) == f"{text}:\n  - {text}"


def test_a_long_message_keeps_both_ends():
    message = str(InputError("begin" + "x" * 10**6 + "end"))
    assert message.startswith("begin")
    assert message.endswith("end")
    assert len(message) < 10_100
