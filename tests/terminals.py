"""A terminal for tests, and what a person would see on it."""

import contextlib
import os
import pty
import re
import threading
import time


def screen(written: str) -> list[str]:
    """What a terminal shows after all that was written to it: its lines, without empty ones at the end."""
    rows, row, column = [""], 0, 0
    for piece in re.findall(r"\x1b\[[JA]|.", written, flags=re.DOTALL):
        if piece == "\r":
            column = 0
        elif piece == "\n":
            row += 1
            rows += [""] * (row == len(rows))
        elif piece == "\x1b[A":
            row = max(0, row - 1)
        elif piece == "\x1b[J":
            rows[row:] = [rows[row][:column]]
        else:
            line = rows[row].ljust(column)
            rows[row], column = line[:column] + piece + line[column + 1 :], column + 1
    while rows and not rows[-1].strip():
        rows.pop()
    return rows


class Terminal:
    """A pseudoterminal; `written` is all that came out of it."""

    def __init__(self):
        self.inside, self.outside = pty.openpty()
        self._pieces = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        with contextlib.suppress(OSError):  # EIO: nobody has it open any more
            while piece := os.read(self.inside, 4096):
                self._pieces.append(piece)

    @property
    def written(self) -> str:
        return b"".join(self._pieces).decode()

    def write(self, text: str) -> None:
        os.write(self.outside, text.encode())

    def type(self, text: str) -> None:
        """What a person types."""
        os.write(self.inside, text.encode())

    def close(self) -> str:
        os.close(self.outside)
        self._reader.join(20)
        os.close(self.inside)
        return self.written

    def wait_for(self, text: str) -> None:
        end = time.monotonic() + 20
        while text not in self.written:
            assert time.monotonic() < end, self.written
            time.sleep(0.01)
