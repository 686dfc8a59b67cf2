"""The conditions that a class is heard under in a clip: how loud, how long, among how many events, over what.

A *pair* is a class that is present in a clip, and here gets a row: what was mixed, told by the annotations that Scaper
wrote (JAMS, namespace `scaper`) and by `events.tsv`. Of real recordings the SNR and the background are unknown.

Conventions
-----------
- Active frames are those of `igsed.labels`: what the judges compare scores with.
- `overlap` looks at other classes only. Two events of one class that overlap are one stretch of its active frames, and
  a detector answers for each class apart, so that only other classes can be taken for it.
- `source` is the recording that no other split shares (`igsed.soundbanks.soundbank`): all segments
  `<freesound id>_<segment>` that are cut from one recording have the same. Pairs of one source are not independent.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from igsed import labels, timeline
from igsed.errors import InputError
from igsed.soundbanks import soundbank

CONDITIONS = ("snr", "active_seconds", "active_ratio", "events", "overlap", "background")
"""What pairs are told apart by."""

COLUMNS = ["clip", "label", *CONDITIONS, "source", "base", "background_label"]

_PLACED = ["clip", "label", "onset", "offset", "snr", "source"]
_TEXT = ("clip", "label", "background", "source", "base", "background_label")


def table(
    annotated: pd.DataFrame,
    placed: pd.DataFrame,
    backgrounds: Mapping[str, tuple[str, str]],
    frames: int,
    bases: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """The conditions of every pair of a split.

    Parameters
    ----------
    annotated : pandas.DataFrame
        The events that are judged: `clip, onset, offset, event_label`, seconds.
    placed : pandas.DataFrame
        The same events as they were placed: `clip, label, onset, offset, snr, source`; see `mixed` and `recorded`.
    backgrounds : mapping
        Clip → class and name of its background; a clip without one is left out.
    frames : int
        Frames of a clip.
    bases : mapping, optional
        Clip → the clip that it is a variant of. Without it, none is.

    Returns
    -------
    pandas.DataFrame
        A row for each clip and class present in it, sorted:

        - `clip, label`;
        - `snr`: mean over the class's events in the clip, dB (LUFS); NaN of real recordings;
        - `active_seconds`: seconds of frames in which the class is active;
        - `active_ratio`: share of the clip's frames, 0…1;
        - `events`: number of events in the clip, of all classes;
        - `overlap`: share of the class's active frames in which another class is active too, 0…1; NaN where it has
          no active frame;
        - `background`: name of the background recording's file, without suffix; "" of real recordings;
        - `source`: the recording that the class's longest event (of equals the first) is from;
        - `base`: the clip that this one is a variant of, or itself;
        - `background_label`: the background's class, "" where it has no background or no class.

    Raises
    ------
    ValueError
        The two tables of events are of different clips or classes.
    """
    clips, classes = pd.Index(annotated["clip"].unique()), pd.Index(annotated["event_label"].unique())
    active = labels.of_frames(annotated, clips, classes, frames)
    present = labels.of_clips(annotated, clips, classes)
    row, column = np.nonzero(present)
    own = active[row, column]
    others = own & (active.sum(axis=1)[row] > 1)
    count = own.sum(axis=-1)
    found = pd.DataFrame(
        {
            "clip": clips[row],
            "label": classes[column],
            "active_seconds": np.round(count * timeline.FRAME, 6),
            "active_ratio": count / frames,
            "overlap": np.divide(others.sum(axis=-1), count, out=np.full(len(count), np.nan), where=count > 0),
        }
    )
    keys = ["clip", "label"]
    placed = placed.astype({"onset": float, "offset": float, "snr": float})  # what no clip has is of no type
    by_length = placed.assign(length=np.round(placed["offset"] - placed["onset"], 6)).sort_values(
        ["length", "onset"], ascending=[False, True], kind="stable"
    )
    of_pairs = pd.DataFrame(
        {"snr": placed.groupby(keys)["snr"].mean().round(6), "source": by_length.groupby(keys)["source"].first()}
    )
    pairs = pd.MultiIndex.from_frame(found[keys])
    if len(differing := of_pairs.index.symmetric_difference(pairs)):
        raise ValueError(f"the events as annotated and as placed differ, first in {differing[0]}")
    for name, values in of_pairs.reindex(pairs).items():
        found[name] = values.to_numpy()
    found["events"] = found["clip"].map(placed["clip"].value_counts()).astype(int)
    for place, name in enumerate(("background_label", "background")):
        found[name] = found["clip"].map({clip: names[place] for clip, names in backgrounds.items()}).fillna("")
    found["base"] = found["clip"] if bases is None else found["clip"].map(bases)
    return found.sort_values(keys, ignore_index=True)[COLUMNS]


def drawn_together(conditions: pd.DataFrame) -> pd.Series:
    """What a bootstrap over recordings draws with each pair: its source.

    Of all variants of a class in a base clip (`mixtures.conditions`), that of the variant with the most events.
    """
    fullest = conditions.sort_values("events", ascending=False, kind="stable")
    return fullest.groupby(["base", "label"])["source"].transform("first").reindex(conditions.index)


def mixed(
    folder: str | Path, clips: Sequence[str], index: pd.DataFrame
) -> tuple[pd.DataFrame, dict[str, tuple[str, str]]]:
    """The events of mixtures, and their backgrounds, as Scaper's annotations tell.

    Parameters
    ----------
    folder : path
        Holds `<clip>.jams` of every clip.
    clips : sequence of str
    index : pandas.DataFrame
        The soundbank's: columns `path, label, source`. Of a recording that it does not list, label and source are taken
        from the names of its folder and file, as the index would.

    Returns
    -------
    placed : pandas.DataFrame
        As for `table`.
    backgrounds : dict
        Clip → class of the background and name of its file, without suffix.

    Raises
    ------
    InputError
        A clip has no annotation, or one that Scaper did not write.
    """
    rows = zip(index["path"], index["label"], index["source"], strict=True)
    known = {str(Path(path)): (label, source) for path, label, source in rows}
    events, backgrounds = [], {}
    for clip in clips:
        for value in _values(Path(folder, f"{clip}.jams")):
            path = Path(value["source_file"])
            if value["role"] == "background":
                backgrounds[clip] = (value["label"], path.stem)
                continue
            # Scaper's label is the name of the recording's folder, which may have a suffix or be one further down.
            label = soundbank.without_suffix(value["label"])[0]
            label, source = known.get(str(path), (label, f"{label}/{soundbank.base(path.stem)}"))
            onset = float(value["event_time"])
            offset = round(onset + float(value["event_duration"]), 3)
            events.append((clip, label, onset, offset, float(value["snr"]), source))
    return pd.DataFrame(events, columns=_PLACED), backgrounds


def recorded(annotated: pd.DataFrame, recordings: Mapping[str, str]) -> pd.DataFrame:
    """The events of real recordings, as `placed` of `table`.

    Parameters
    ----------
    annotated : pandas.DataFrame
        As for `table`.
    recordings : mapping
        Clip → the recording that it was cut from.
    """
    source = annotated["clip"].map(recordings)
    return annotated.rename(columns={"event_label": "label"}).assign(snr=np.nan, source=source)[_PLACED]


def read(path: str | Path) -> pd.DataFrame:
    """A table of conditions as it was written; text stays text, and empty text is not NaN."""
    text = dict.fromkeys(_TEXT, str)
    # An empty cell of a column of numbers is NaN all the same.
    return pd.read_csv(path, dtype=text, keep_default_na=False, na_values={"snr": [""], "overlap": [""]})


def _values(path: Path) -> list[dict]:
    """What the annotation says of the background and of each event."""
    try:
        annotations = json.loads(path.read_text(encoding="utf-8"))["annotations"]
        (scaper,) = (annotation for annotation in annotations if annotation["namespace"] == "scaper")
        return [event["value"] for event in scaper["data"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: is no annotation that Scaper wrote ({type(error).__name__}: {error}). Delete the folder and run "
            "again."
        ) from None
