"""The files of a comparison, written all at once or not at all."""

import os
import tempfile
from pathlib import Path

from igsed.compare.page import html
from igsed.compare.plain_text import markdown
from igsed.compare.tables import Comparison
from igsed.errors import InputError

FILES = ("compare.csv", "agreement.csv", "compare.md", "compare.html")
"""What a comparison consists of."""

_KEYS = ["metric", "label", "detector", "bank", "split", "protocol"]
_COLUMNS = [
    *(*_KEYS, "value", "low", "high", "interval", "rank", "mean_rank", "banks"),
    *("pairs", "clips", "seeds", "undefined", "rank_low", "rank_high", "neutral"),
]
_COUNTS = ("pairs", "clips", "seeds", "undefined", "neutral")


def write(comparison: Comparison, folder: str | Path) -> list[Path]:
    """Write `FILES`, all at once or none, and return them. An earlier comparison in the folder is replaced.

    Raises
    ------
    InputError
        The folder holds something else, or cannot be written.
    """
    folder = Path(folder)
    check(folder)
    target = Path(os.path.realpath(folder))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as place:
            made, before = Path(place, "made"), Path(place, "before")
            made.mkdir()
            table = comparison.table[_COLUMNS].astype(dict.fromkeys(_COUNTS, "Int64"))
            table.to_csv(made / "compare.csv", index=False, lineterminator="\n")
            comparison.agreement.to_csv(made / "agreement.csv", index=False, lineterminator="\n")
            (made / "compare.md").write_text(markdown(comparison), encoding="utf-8")
            (made / "compare.html").write_text(html(comparison, folder), encoding="utf-8")
            if target.exists():
                os.replace(target, before)
            try:
                os.replace(made, target)
            except OSError:
                if before.exists():
                    os.replace(before, target)
                raise
    except OSError as error:
        raise InputError(f"{error.filename or folder}: {error.strerror}. Make room, or name another folder.") from None
    return [folder / name for name in FILES]


def check(folder: str | Path) -> None:
    """Check that a folder can be written to without loss: it is not there, is empty, or holds an earlier comparison.

    Raises
    ------
    InputError
        It holds something else.
    """
    folder = Path(folder)
    try:
        if not os.path.lexists(folder):
            return
        found = sorted(path.name for path in folder.iterdir())
        others = [name for name in found if name not in FILES or not (folder / name).is_file()]
        if not found:
            return
        with open(folder / "compare.csv", encoding="utf-8", errors="replace") as file:
            ours = file.readline().startswith(",".join(_KEYS))
    except FileNotFoundError:
        ours = False
    except OSError as error:
        raise InputError(f"{folder}: cannot be written to ({error.strerror}). Name another folder (--out).") from None
    if others or not ours:
        what = others[0] if others else found[0]
        raise InputError(
            f"{folder}: holds {what}, which igsed compare did not write, so it is not replaced. Name another folder "
            "(--out)."
        )
