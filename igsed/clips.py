"""The clips of a split: `clips.csv` with the columns `clip, path, duration, seed, polyphony`, and `events.tsv`."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from igsed import events


def read(clips_file: str | Path, events_file: str | Path) -> tuple[list[str], pd.DataFrame]:
    """The names of a split's clips, in order, and its events with a column `clip` for the file name without suffix."""
    table = events.read(events_file)
    table["clip"] = table["filename"].map(lambda name: Path(name).stem)
    return pd.read_csv(clips_file)["clip"].tolist(), table


def subsets(clips_file: str | Path, split: str) -> dict[str, list[str]]:
    """The sets of clips that a split is judged on: all of them, and `<split>_unseen`, those without `overlap`.

    The column `overlap` (0 or 1), which only real recordings have, marks what the network may have been trained on.
    """
    table = pd.read_csv(clips_file)
    found = {split: table["clip"].tolist()}
    if "overlap" in table and table["overlap"].any():
        found[f"{split}_unseen"] = table.loc[table["overlap"] == 0, "clip"].tolist()
    return found


def durations(clips_file: str | Path) -> dict[str, float]:
    """Clip → length in seconds."""
    return pd.read_csv(clips_file).set_index("clip")["duration"].to_dict()


class Split(NamedTuple):
    """A split as it is judged: its events (`clip, onset, offset, event_label`), lengths and sets of clips."""

    events: pd.DataFrame
    durations: dict[str, float]
    subsets: dict[str, list[str]]


def read_split(clips_file: str | Path, events_file: str | Path, split: str) -> Split:
    """The split of a name; its subsets are those of `subsets`."""
    return Split(read(clips_file, events_file)[1], durations(clips_file), subsets(clips_file, split))
