"""Sounds of the training clips, with which attribution methods compare a clip.

- `backgrounds`: the longest stretch without an event of each of some clips, repeated to the clip's length: what the
  bank's recordings of backgrounds sound like at the level at which the classifier has heard them.
- `clips`: whole clips, as expected gradients take them (G. Erion et al., arXiv:1906.10670).
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from igsed import audio, seeds
from igsed.errors import InputError

COUNT = 32
"""Most sounds that are kept; a method draws from them."""

SHORTEST = 1.0
"""Length of a stretch without an event that can stand for a background, in seconds."""


def stretches(clips: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """The longest stretch of each clip without an event, longest first.

    Parameters
    ----------
    clips : pandas.DataFrame
        Columns `clip`, `path`, `duration` (s).
    events : pandas.DataFrame
        Columns `clip`, `onset`, `offset` (s).

    Returns
    -------
    pandas.DataFrame
        `clip, path, start, end`, of clips in which it lasts at least `SHORTEST`.
    """
    by_clip = dict(iter(events.groupby("clip")))
    rows = []
    for clip in clips.itertuples():
        own = by_clip.get(clip.clip)
        start, longest = 0.0, (0.0, 0.0)
        spans = [] if own is None else sorted(zip(own["onset"], own["offset"], strict=True))
        for onset, offset in [*spans, (clip.duration, clip.duration)]:
            longest = max(longest, (start, onset), key=lambda span: span[1] - span[0])
            start = max(start, offset)
        rows.append((clip.clip, clip.path, *longest))
    table = pd.DataFrame(rows, columns=["clip", "path", "start", "end"])
    table = table[table["end"] - table["start"] >= SHORTEST]
    order = (table["start"] - table["end"]).sort_values(kind="stable").index
    return table.loc[order].reset_index(drop=True)


def backgrounds(clips: pd.DataFrame, events: pd.DataFrame) -> np.ndarray:
    """Backgrounds (sound, samples), float32, at the clips' rate.

    Raises
    ------
    InputError
        No training clip has a stretch of `SHORTEST` without an event.
    """
    table = stretches(clips, events).head(COUNT)
    if table.empty:
        raise InputError(
            f"no training clip has {SHORTEST:g} s without an event, so there is no background to compare with. Take "
            "another baseline than background, or fewer events (mixtures.events)."
        )
    sounds = []
    for row in table.itertuples():
        samples, rate = audio.read(row.path)
        stretch = samples[round(row.start * rate) : round(row.end * rate)]
        sounds.append(np.resize(stretch, len(samples)))
    return np.stack(sounds).astype(np.float32)


def whole(paths: Sequence[str], seed: int) -> np.ndarray:
    """Some training clips (sound, samples), float32, at their rate, drawn without repetition."""
    order = seeds.generator(seed, "training sounds").permutation(len(paths))[:COUNT]
    return np.stack([audio.read(paths[k])[0] for k in sorted(order)]).astype(np.float32)
