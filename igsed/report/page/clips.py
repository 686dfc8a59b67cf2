"""The clips that can be heard and seen: which ones, and everything about each as values for JSON."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import image

from igsed import audio, clips, evaluation, labels, scores
from igsed.metrics import f1, iou
from igsed.report.figures import log_spectrogram
from igsed.report.inline import TYPES, data_uri, encoded
from igsed.report.page.leaderboard import number
from igsed.report.page.settings import Settings
from igsed.thresholds import RULES


@dataclass(frozen=True)
class Source:
    """Where the clips of a split are.

    Attributes
    ----------
    split : str
    pairs, scores : mapping
        Detector → its judged pairs (`evaluation.judge`), and its frame scores of `Settings.seed`.
    clips, events : path
        `igsed.clips`.
    """

    split: str
    pairs: Mapping[str, str | Path]
    scores: Mapping[str, str | Path]
    clips: str | Path
    events: str | Path


@dataclass(frozen=True)
class Clip:
    """A clip of the page.

    Attributes
    ----------
    index : list of dict
        For the list of pairs: `clip, label, split` and, lists over detectors, `ap`, `pg`, `iou`.
    body : dict
        What is shown when it is chosen; see `body`.
    sound : bytes
    suffix : str
        Of a file with the sound.
    media_type : str
    """

    index: list[dict[str, Any]]
    body: dict[str, Any]
    sound: bytes
    suffix: str
    media_type: str


def judged(source: Source, settings: Settings) -> pd.DataFrame:
    """The judged pairs of a split and of the seed that is shown, all detectors and protocols below each other."""
    shown = [("seed", "==", settings.seed), ("split", "==", source.split)]
    tables = [pd.read_parquet(path, filters=shown).assign(detector=name) for name, path in source.pairs.items()]
    return pd.concat(tables, ignore_index=True)


def ranked(pairs: pd.DataFrame, settings: Settings) -> list[str]:
    """The clips of a split by how much they should be shown.

    First those with the best, the worst and the most disputed pair of every class; then the others, the most disputed
    first. A pair is as good as the mean of the average precision over the detectors that are no controls, and as
    disputed as the largest difference between two of them.

    Parameters
    ----------
    pairs : pandas.DataFrame
        Of `judged`.
    """
    if pairs.empty:
        return []
    competing = pairs[~pairs["detector"].isin({*settings.controls, *settings.truth})]
    competing = competing if len(competing) else pairs
    competing = competing.drop_duplicates(["clip", "label", "detector"])
    groups = competing.groupby(["clip", "label"])["average_precision"]
    table = pd.DataFrame({"mean": groups.mean(), "spread": groups.max() - groups.min()}).reset_index()
    first = []
    for column, ascending in (("mean", False), ("mean", True), ("spread", False)):
        order = table.dropna(subset=[column]).sort_values(
            [column, "clip", "label"], ascending=[ascending, True, True], kind="stable"
        )
        best = order.drop_duplicates("label").set_index("label")["clip"]
        first += [best[label] for label in settings.labels if label in best.index]
    rest = table.sort_values(["spread", "clip", "label"], ascending=[False, True, True], kind="stable")
    return list(dict.fromkeys([*first, *rest["clip"]]))


class Reader:
    """Makes the clips of a split, one by one."""

    def __init__(self, source: Source, pairs: pd.DataFrame, chosen: Sequence[str], settings: Settings):
        """`pairs` is of `judged`; of the scores those of the `chosen` clips are kept."""
        self._settings, self._split = settings, source.split
        self._pairs = pairs[pairs["clip"].isin(set(chosen))]
        self._wanted = self._pairs[["clip", "label"]].drop_duplicates().reset_index(drop=True)
        self._table = pd.read_csv(source.clips).set_index("clip")
        self._events = clips.read(source.clips, source.events)[1]
        self._scores = {
            name: _of_pairs(scores.read(path), self._wanted, self._pairs[self._pairs["detector"] == name])
            for name, path in source.scores.items()
        }
        self._rows = {
            key: rows.set_index("protocol")
            for key, rows in self._pairs.groupby(["detector", "clip", "label"], sort=False)
        }

    def make(self, clip: str) -> Clip:
        """All about a clip, with its sound."""
        path, duration = self._table.loc[clip, "path"], float(self._table.loc[clip, "duration"])
        waveform, rate = audio.read(path)
        here = self._events[self._events["clip"] == clip].sort_values(["onset", "offset", "event_label"])
        named = self._wanted.index[self._wanted["clip"] == clip]
        names = {place: str(self._wanted.loc[place, "label"]) for place in named}
        of_labels = {label: self._pair(clip, label, place) for place, label in names.items()}
        body = {
            "clip": clip,
            "split": self._split,
            "duration": duration,
            "from": _origin(self._table.loc[clip], duration),
            "events": [[round(e.onset, 3), round(e.offset, 3), e.event_label] for e in here.itertuples()],
            "pairs": of_labels,
            "image": data_uri("image/webp", picture(log_spectrogram(waveform, rate)[2])),
        }
        index = [
            {
                "clip": clip,
                "label": label,
                "split": self._split,
                "ap": [curve and curve["ap"] for curve in pair["detectors"]],
                "pg": [curve and curve["pg"] for curve in pair["detectors"]],
                "iou": [
                    curve and curve["masks"].get(self._settings.protocol, [None, None])[1]
                    for curve in pair["detectors"]
                ],
            }
            for label, pair in of_labels.items()
        ]
        sound, kind = encoded(waveform, rate)
        return Clip(index, body, sound, kind.lower(), TYPES[kind])

    def _pair(self, clip: str, label: str, place: int) -> dict:
        """`active` (runs of frames), `frames`, and `detectors`: what each says, None where it says nothing."""
        told: list[dict | None] = []
        active = None
        for detector in self._settings.detectors:
            curve = self._scores[detector].get(place) if detector in self._scores else None
            rows = self._rows.get((detector, clip, label))
            if curve is None or rows is None:
                told.append(None)
                continue
            if active is None:
                pair = pd.DataFrame({"clip": [clip], "label": [label]})
                active = labels.of_pairs(self._events, pair, len(curve))[0]
            told.append(self._curve(curve, rows, active))
        return {
            "active": [] if active is None else runs(active),
            "frames": 0 if active is None else len(active),
            "detectors": told,
        }

    def _curve(self, curve: np.ndarray, rows: pd.DataFrame, active: np.ndarray) -> dict:
        masks = {}
        for protocol, (name, *_) in self._settings.protocols.items():
            if protocol not in rows.index:
                continue
            rule, row = RULES.find(name), rows.loc[protocol]
            parameter = row.get(rule.parameter) if rule.parameter else None
            mask = rule.mask(curve, parameter)
            value = None if parameter is None else float(parameter)
            masks[protocol] = [runs(mask), number(iou(mask, active)), number(f1(mask, active)), value]
        first = rows.iloc[0]
        return {
            "scores": base64.b64encode(curve.astype("<f8").tobytes()).decode("ascii"),
            "top": int(curve.argmax()),
            "ap": number(first.get("average_precision")),
            "pg": number(first.get("pointing_game")),
            "masks": masks,
        }


def _of_pairs(found: scores.FrameScores, wanted: pd.DataFrame, own: pd.DataFrame) -> dict[int, np.ndarray]:
    """Number of each wanted pair that the detector was judged on → its scores (frame,)."""
    has = pd.MultiIndex.from_frame(wanted).isin(pd.MultiIndex.from_frame(own[["clip", "label"]]))
    places = np.flatnonzero(has)
    if not len(places):
        return {}
    return dict(zip(places.tolist(), evaluation.rows_of(found, wanted.loc[places]), strict=True))


def runs(mask: np.ndarray) -> list[int]:
    """First frame of every run of a mask (frame,), and the one after its last, in turn.

    >>> runs(np.array([False, True, True, False, True]))
    [1, 3, 4, 5]
    """
    return np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]]))).tolist()


def _origin(row: pd.Series, duration: float) -> list | None:
    """Of a window of a real recording: the recording's name, and the second at which the window begins in it."""
    if not isinstance(row.get("recording"), str):
        return None
    return [row["recording"], round(float(row.get("window", 0)) * duration, 3)]


def picture(level: np.ndarray) -> bytes:
    """The levels of `log_spectrogram` (band, frame) as a picture in WebP, low frequencies below.

    It cannot be wider than 16383 frames.
    """
    made = io.BytesIO()
    image.imsave(
        made,
        level,
        vmin=-70,
        vmax=0,
        cmap="magma",
        format="webp",
        origin="lower",
        pil_kwargs={"quality": 70, "method": 4},
    )
    return made.getvalue()
