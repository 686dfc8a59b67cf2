"""How far long work has got: one bar on a terminal, elsewhere a line now and then.

Conventions
-----------
- Nothing is shown of work that ends soon: within a second on a terminal, within ten seconds elsewhere.
- On a terminal one bar is drawn at a time, though several jobs run there: the process that draws holds the terminal
  itself with flock, and another one takes over when it is let go. Where no such lock can be had, every process draws.
- The bar lies on the line below the cursor, so a line that another process writes goes above it and is not glued to it.
  It is drawn anew below that line, and wiped when the work ends or fails.
- In a file or a pipe, and on a terminal without a cursor (``TERM=dumb``), a process writes a whole line every ten
  seconds at most. There are no carriage returns.
- Of work within other work, the innermost is shown.
- A whole run has a line of its own (`Status`), above the bar. Its jobs find that line in the file that the environment
  variable `IGSED_STATUS` names, since the one that holds the terminal draws both.
"""

import contextlib
import fcntl
import os
import sys
import threading
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

_SOON, _REDRAW, _LINES = 1.0, 0.5, 10.0
"""Seconds before a bar appears, between two drawings of it, and between two lines."""

_TICK, _APART, _LONG, _SHARE = 1.0, 5.0, 60.0, 0.05
"""Seconds between two drawings of a run's line; of its lines in a file the fewest and the most seconds between two, and
the share of the jobs after which there is one."""

STATUS = "IGSED_STATUS"
"""The environment variable that names the file with a run's line."""

# From the cursor to the end of the screen; one line up.
_ERASE, _UP = "\x1b[J", "\x1b[A"

_open: list["Progress"] = []
_terminal: int | None = None  # open and locked, while this process draws
_last_line = 0.0


class Progress:
    """How far one piece of work has got; a context manager within which `update` counts.

    Parameters
    ----------
    description : str
        What is done, such as ``mixing train clips``.
    total : int, optional
        How much there is to do, if known.
    initial : int
        How much of it was done before.
    in_bytes : bool
        Whether bytes are counted, which are shown as megabytes.
    shown : bool
        Whether to show anything.
    """

    def __init__(
        self, description: str, total: int | None = None, initial: int = 0, in_bytes: bool = False, shown: bool = True
    ):
        self.description, self.total, self.initial, self.in_bytes = description, total, initial, in_bytes
        self.done, self._shown, self._drawn = initial, shown, False

    def __enter__(self) -> "Progress":
        self._begun = time.monotonic()
        self._next = self._begun + _SOON
        if self._shown:
            _open.append(self)
        return self

    def __exit__(self, *_) -> None:
        if self._shown:
            _open.remove(self)
        if self._drawn:
            _write(_below(_status()))
        if not _open:
            _let_terminal_go()

    def update(self, count: int = 1) -> None:
        """Count what has been done since the last call, and show it if it is time to."""
        global _last_line
        self.done += count
        if not _open or _open[-1] is not self:
            return
        now = time.monotonic()
        if not _on_terminal():
            if now - max(self._begun, _last_line) >= _LINES:
                _last_line = now
                _write(f"{self.line(now - self._begun)}\n")
        elif now >= self._next:
            self._next = now + _REDRAW
            if _take_terminal():
                self._drawn = True
                _write(_below(_status(), self._bar(now - self._begun)))

    def line(self, seconds: float) -> str:
        """The state in words, after so many seconds.

        Examples
        --------
        >>> work = Progress("mixing train clips", 50)
        >>> work.done = 12
        >>> work.line(3.2)
        'mixing train clips: 12 of 50, 24 %, 0:10 left'
        """
        done, total = (f"{count / 1e6:.1f}" if self.in_bytes else f"{count}" for count in (self.done, self.total or 0))
        unit = " MB" if self.in_bytes else ""
        if not self.total:
            return f"{self.description}: {done}{unit}, {clock(seconds)} so far"
        text = f"{self.description}: {done} of {total}{unit}, {100 * self.done // self.total} %"
        if self.done > self.initial:
            left = seconds * max(0, self.total - self.done) / (self.done - self.initial)
            text += f", {clock(left)} left"
        return text

    def _bar(self, seconds: float) -> str:
        return tqdm.format_meter(
            self.done,
            self.total,  # type: ignore[arg-type]  # None is documented, and not in the stubs
            seconds,
            ncols=_columns(),
            prefix=self.description,
            ascii=not _utf8(),
            unit="B" if self.in_bytes else "it",
            unit_scale=self.in_bytes,
            initial=self.initial,
        )


class Status:
    """The line of a whole run; a context manager, whose owner calls `show`.

    On a terminal the line is drawn anew every second, between the jobs' bars. Elsewhere it is written when a twentieth
    of the jobs more is done or a minute has passed, and never twice within five seconds.

    Parameters
    ----------
    text : callable
        Gives the line and the share of the run that is done, 0…1. Called from a thread.
    place : path
        File that holds the line for the jobs; its folder must exist.
    """

    def __init__(self, text: Callable[[], tuple[str, float]], place: str | Path):
        self._text, self._place = text, Path(place).absolute()
        self._lock, self._ended = threading.Lock(), threading.Event()
        self._written, self._share, self._last = -_LONG, 0.0, ""

    def __enter__(self) -> "Status":
        os.environ[STATUS] = str(self._place)
        self._thread = threading.Thread(target=self._tick, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._ended.set()
        self._thread.join()
        os.environ.pop(STATUS, None)
        with contextlib.suppress(OSError):
            self._place.unlink()
        self.wipe()

    def show(self, now_or_never: bool = False) -> None:
        """Draw or write the line, if it is time to, or without regard to the last one."""
        with self._lock:
            text, share = self._text()
            if _on_terminal():
                self._draw(text)
                return
            now = time.monotonic()
            passed = now - self._written
            soon = passed < _APART or (passed < _LONG and share - self._share < _SHARE)
            if text == self._last or (soon and not now_or_never):
                return
            self._written, self._share, self._last = now, share, text
            _write(f"{_plain(text)}\n")

    def wipe(self) -> None:
        """Take the line away, so that others can write; the next `show` brings it back."""
        if _on_terminal():
            _write(_ERASE)

    def _draw(self, text: str) -> None:
        with contextlib.suppress(OSError):
            new = self._place.with_name(f".part-{self._place.name}")
            new.write_text(text, encoding="utf-8")
            new.replace(self._place)
        if _take_terminal():
            _write(_below(text))
            _let_terminal_go()  # at once: the jobs have more to show

    def _tick(self) -> None:
        while not self._ended.wait(_TICK):
            self.show()


def say(message: str) -> None:
    """Write a line to standard error, and wipe the bar that this or another process shows there.

    At once: in between, another process could draw again.
    """
    _write(f"{_ERASE if _on_terminal() else ''}{message}\n")


def _below(*lines: str) -> str:
    """What draws some lines below the cursor, in place of what was there, and leaves it where it is."""
    shown = [_cut(_plain(line), _columns()) for line in lines if line]
    return _ERASE + "".join(f"\n{line}" for line in shown) + _UP * len(shown) + "\r" * bool(shown)


def _status() -> str:
    """The line of the run to which this process belongs, if there is one."""
    with contextlib.suppress(OSError, KeyError, ValueError):
        return Path(os.environ[STATUS]).read_text(encoding="utf-8")
    return ""


def _columns() -> int:
    columns = 0
    with contextlib.suppress(OSError, ValueError):
        columns = os.get_terminal_size(sys.stderr.fileno()).columns
    return max(10, (columns or 80) - 1)  # not the last column, after which some terminals begin a new line


def _plain(text: str) -> str:
    """A line without what the stream cannot write."""
    encoding = sys.stderr.encoding or "ascii"
    return text.replace("·", "-").encode(encoding, "replace").decode(encoding) if not _utf8() else text


def _utf8() -> bool:
    return (sys.stderr.encoding or "").lower().startswith("utf")


def _cut(text: str, columns: int) -> str:
    """As much of a line as so many columns hold; wide characters take two, combining ones none."""
    taken = 0
    for k, character in enumerate(text):
        taken += (not unicodedata.combining(character)) * (1 + (unicodedata.east_asian_width(character) in "WF"))
        if taken > columns:
            return text[:k]
    return text


def clock(seconds: float) -> str:
    """Seconds as people read them off a watch.

    Examples
    --------
    >>> clock(75), clock(3675)
    ('1:15', '1:01:15')
    """
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _on_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def _write(text: str) -> None:
    """Write at once and whole; work does not fail because nobody can see how far it is."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(text)
        sys.stderr.flush()


def _take_terminal() -> bool:
    """Whether this process may draw."""
    global _terminal
    if _terminal is not None:
        return True
    try:
        # Opened anew: jobs share the descriptor that they have inherited, and with it a lock.
        descriptor = os.open(os.ttyname(sys.stderr.fileno()), os.O_RDWR | os.O_NOCTTY)
    except (OSError, ValueError):
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        return not isinstance(error, BlockingIOError)
    _terminal = descriptor
    return True


def _let_terminal_go() -> None:
    global _terminal
    if _terminal is not None:
        os.close(_terminal)
        _terminal = None
