"""What the figure of examples shows: pairs spread over a detector's ranking, with all scores and detections."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import pandas as pd

from igsed import audio, clips, evaluation, scores
from igsed.errors import InputError
from igsed.report.figures import Example
from igsed.thresholds import RULES

Value = TypeVar("Value")


@dataclass(frozen=True)
class Choice:
    """What is shown: `count` pairs of a seed and a protocol, spread over the ranking of `reference` by `metric`.

    `rule` is the protocol's threshold rule as the configuration names it.
    """

    reference: str
    seed: int
    protocol: str
    rule: str
    count: int
    metric: str


def choose(reference: pd.DataFrame, choice: Choice) -> pd.DataFrame:
    """The pairs to show, `clip, label`, of the reference's judged pairs.

    Raises
    ------
    InputError
        There is none.
    """
    if reference.empty:
        raise InputError(
            f"seed {choice.seed}: no class was both predicted and present in a test clip, so no example can be shown. "
            "Train on more clips (mixtures.clips.train) or set evaluation.pairs to present."
        )
    return evaluation.representative(reference, choice.count, choice.metric)[["clip", "label"]]


def gather(
    choice: Choice,
    pair_files: Mapping[str, str | Path],
    score_files: Mapping[str, str | Path],
    clips_file: str | Path,
    events_file: str | Path,
) -> list[Example]:
    """The examples, from what a run has written.

    Parameters
    ----------
    pair_files, score_files
        Detector → its judged pairs (`evaluation.judge`) and its frame scores.
    clips_file, events_file
        `igsed.clips`.
    """
    rule = RULES.find(choice.rule)
    shown = [("seed", "==", choice.seed), ("protocol", "==", choice.protocol)]
    judged = {name: pd.read_parquet(path, filters=shown) for name, path in pair_files.items()}
    pairs = choose(judged[choice.reference], choice)
    judged = {name: table.set_index(["clip", "label"]) for name, table in judged.items()}
    # One detector's scores at a time; of them only those that are shown stay in memory.
    values = {name: evaluation.rows_of(scores.read(path), pairs) for name, path in score_files.items()}
    paths = pd.read_csv(clips_file).set_index("clip")["path"]
    _, events = clips.read(clips_file, events_file)
    events = events.rename(columns={"event_label": "label"})
    examples = []
    for place, (clip, label) in enumerate(pairs.itertuples(index=False)):
        rows = {name: table.loc[(clip, label)] for name, table in judged.items()}
        curves = {name: curve[place] for name, curve in values.items()}
        masks = {name: rule.mask(curve, rows[name].get(rule.parameter)) for name, curve in curves.items()}
        ious = {name: row["iou"] for name, row in rows.items() if "iou" in row}
        precisions = {name: row["average_precision"] for name, row in rows.items() if "average_precision" in row}
        here = events.loc[events["clip"] == clip, ["onset", "offset", "label"]]
        examples.append(Example(clip, label, *audio.read(paths[clip]), here, curves, masks, ious, precisions))
    return examples


BESIDE = ("fw_ws", "energy")
"""What stands beside explanations where only a few detectors are shown."""


def few(choice: Choice, pair_files: Mapping[str, str | Path], explanations: Sequence[str]) -> list[str]:
    """The detectors for a figure in one column: the reference, the best explanation, FW-WS and energy.

    The best explanation is that of the highest mean average precision over the judged pairs of the choice's seed and
    protocol. Names that are not in `pair_files` are left out.
    """
    shown = [("seed", "==", choice.seed), ("protocol", "==", choice.protocol)]
    means = pd.Series(
        {
            name: pd.read_parquet(pair_files[name], filters=shown, columns=["average_precision"]).mean().iloc[0]
            for name in explanations
            if name in pair_files
        },
        dtype=float,
    ).dropna()
    best = [str(means.idxmax())] if len(means) else []
    return [name for name in dict.fromkeys([choice.reference, *best, *BESIDE]) if name in pair_files]


def column(examples: Sequence[Example], detectors: Sequence[str]) -> list[Example]:
    """The first and the last example with these detectors alone, in this order."""
    shown = []
    for place in dict.fromkeys((0, len(examples) - 1)):
        example = examples[place]
        chosen = replace(
            example,
            scores=_of(detectors, example.scores),
            masks=_of(detectors, example.masks),
            iou=_of(detectors, example.iou),
            average_precision=_of(detectors, example.average_precision),
        )
        shown.append(chosen)
    return shown


def _of(names: Sequence[str], values: Mapping[str, Value]) -> dict[str, Value]:
    """The values of these names, in their order, as far as there are any."""
    return {name: values[name] for name in names if name in values}
