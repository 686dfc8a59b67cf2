"""Explanations as files that other programs read.

========== ================== ===================================================================================
format     ending             read by
========== ================== ===================================================================================
audacity   .txt               Audacity (File, Import, Labels), Sonic Visualiser: start, end, label
desed      .tsv               sed_eval, sed_scores_eval, igsed: filename, onset, offset, event_label
scores     .scores.tsv        sed_scores_eval, igsed's detector `scores`: onset, offset, a column for each class
raven      .selections.txt    Raven, opensoundscape, crowsetta: a selection table
jams       .jams              JAMS 0.3 (jams, mirdata, soundata), namespace segment_open
textgrid   .TextGrid          Praat, textgrid, praatio: an interval tier for each class
json       .json              all that is known, in UTF-8
png        .png               people: spectrogram, curves, events
html       .html              people, in a browser: the same with the sound, and thresholds to try
========== ================== ===================================================================================

Sources: Audacity manual, "Importing and Exporting Labels"; Raven's selection tables as crowsetta reads them; JAMS
(E. J. Humphrey et al. 2014); Praat manual, "TextGrid file formats".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from igsed import events
from igsed.errors import InputError, suggestion
from igsed.explaining.results import Explained

_SPACE = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")


class Format(NamedTuple):
    """The ending of its files, and what gives the text; of a picture nothing does."""

    ending: str
    text: Callable[[Explained], str] | None


def plain(text: str) -> str:
    """A name on one line and in one cell: what would begin another is a space."""
    return _SPACE.sub(" ", text)


def audacity(found: Explained) -> str:
    """Labels by onset: start, end in seconds with six decimals, label."""
    rows = found.events.sort_values(["onset", "offset"], kind="stable").itertuples()
    return "".join(f"{row.onset:.6f}\t{row.offset:.6f}\t{plain(row.label)}\n" for row in rows)


def desed(found: Explained) -> str:
    """Events as `igsed.events` has them; a recording without any has a line of empty cells."""
    name = plain(found.name)
    rows = found.events.sort_values(["onset", "offset"], kind="stable").itertuples()
    lines = [f"{name}\t{row.onset:.3f}\t{row.offset:.3f}\t{plain(row.label)}" for row in rows] or [f"{name}\t\t\t"]
    return "\n".join(["\t".join(events.COLUMNS), *lines]) + "\n"


def scores(found: Explained) -> str:
    """Frame scores of sed_scores_eval: onset, offset, a column for each class."""
    table = found.frames.rename(columns=plain)
    return table.to_csv(sep="\t", index=False)


def raven(found: Explained) -> str:
    """A selection table; it has no bounds in frequency but those of the recording."""
    rate = found.settings.get("rate") or 0
    high = f"{rate / 2:.1f}"
    columns = ["Selection", "View", "Channel", "Begin Time (s)", "End Time (s)", "Low Freq (Hz)", "High Freq (Hz)"]
    columns += ["Annotation", "Confidence", "Begin File"]
    lines = ["\t".join(columns)]
    rows = found.events.sort_values(["onset", "offset"], kind="stable").itertuples()
    for number, row in enumerate(rows, start=1):
        cells = [number, "Spectrogram 1", 1, f"{row.onset:.6f}", f"{row.offset:.6f}", "0.0", high]
        cells += [plain(row.label), f"{row.confidence:.4f}", plain(found.settings.get("file") or found.name)]
        lines.append("\t".join(map(str, cells)))
    return "\n".join(lines) + "\n"


def jams(found: Explained) -> str:
    """Events with their confidence, as an annotation in the namespace segment_open."""
    data = [
        {
            "time": row.onset,
            "duration": round(row.offset - row.onset, 6),
            "value": row.label,
            "confidence": row.confidence,
        }
        for row in found.events.sort_values(["onset", "offset"], kind="stable").itertuples()
    ]
    annotation = {
        "namespace": "segment_open",
        "data": data,
        "annotation_metadata": {
            "annotation_tools": f"igsed {version('igsed')}: {found.method} of {found.model}",
            "data_source": "program",
            "corpus": "",
            "version": "",
            "curator": {"name": "", "email": ""},
            "annotator": {},
            "annotation_rules": found.accuracy,
            "validation": "",
        },
        "time": 0,
        "duration": found.duration,
        "sandbox": {},
    }
    metadata = {
        "title": found.name,
        "artist": "",
        "release": "",
        "duration": found.duration,
        "identifiers": {},
        "jams_version": "0.3.4",
    }
    return json.dumps({"annotations": [annotation], "file_metadata": metadata, "sandbox": {}}, indent=2) + "\n"


def textgrid(found: Explained) -> str:
    """A tier of intervals for each explained class, in Praat's long format."""
    end = max(found.duration, found.events["offset"].max() if len(found.events) else 0.0)
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {end!r}"]
    lines += ["tiers? <exists>", f"size = {len(found.explained)}", "item []:"]
    for number, label in enumerate(found.explained, start=1):
        own = found.events[found.events["label"] == label]
        intervals, last = [], 0.0
        for row in own.itertuples():
            if row.onset > last:
                intervals.append((last, row.onset, ""))
            intervals.append((row.onset, row.offset, label))
            last = row.offset
        if last < end or not intervals:
            intervals.append((last, end, ""))
        lines += [f"    item [{number}]:", '        class = "IntervalTier"', f"        name = {_quoted(label)}"]
        lines += ["        xmin = 0", f"        xmax = {end!r}", f"        intervals: size = {len(intervals)}"]
        for place, (start, stop, text) in enumerate(intervals, start=1):
            lines += [f"        intervals [{place}]:", f"            xmin = {float(start)!r}"]
            lines += [f"            xmax = {float(stop)!r}", f"            text = {_quoted(text)}"]
    return "\n".join(lines) + "\n"


def everything(found: Explained) -> str:
    """All tables and settings; numbers that are unknown are null."""
    content = {
        "igsed": version("igsed"),
        "name": found.name,
        "duration": found.duration,
        "model": found.model,
        "method": found.method,
        "accuracy": found.accuracy,
        "settings": found.settings,
        "labels": _records(found.labels),
        "events": _records(found.events),
        "likeness": _records(found.likeness),
        "frames": {
            "onset": found.frames["onset"].tolist(),
            "offset": found.frames["offset"].tolist(),
            "scores": {label: found.frames[label].tolist() for label in found.explained},
        },
    }
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def page(found: Explained) -> str:
    """A page of its own; see `igsed.explaining.page`.

    Raises
    ------
    InputError
        The recording cannot be read any more.
    """
    from igsed.explaining import page as pages

    return pages.html(found)


FORMATS = {
    "audacity": Format(".txt", audacity),
    "desed": Format(".tsv", desed),
    "scores": Format(".scores.tsv", scores),
    "raven": Format(".selections.txt", raven),
    "jams": Format(".jams", jams),
    "textgrid": Format(".TextGrid", textgrid),
    "json": Format(".json", everything),
    "png": Format(".png", None),
    "html": Format(".html", page),
}
"""By the name that the option `--format` takes."""


def find(name: str) -> Format:
    """The format with a name.

    Raises
    ------
    InputError
        There is none.
    """
    if name not in FORMATS:
        raise InputError(f"format {name!r} is unknown{suggestion(name, FORMATS)}. Use some of {', '.join(FORMATS)}.")
    return FORMATS[name]


def write(found: Explained, name: str, path: str | Path) -> None:
    """Write an explanation in one format; the file is written over.

    Raises
    ------
    InputError
        There is no such format.
    """
    text = find(name).text
    if text is None:
        from igsed.explaining import picture

        picture.save(picture.draw(found), path)
    else:
        Path(path).write_text(text(found), encoding="utf-8", newline="")


def _records(table: pd.DataFrame) -> list[dict]:
    return table.astype(object).where(table.notna(), None).to_dict("records")


def _quoted(text: str) -> str:
    doubled = plain(text).replace('"', '""')
    return f'"{doubled}"'
