"""What someone needs to enter a benchmark without igsed's code: `igsed export results/<experiment> <folder>`.

The folder holds, for each split, the clips' sound files, their events and a list of them, besides the classes and a
page that says in which form scores are wanted. The detector `scores` (`igsed.detectors.scores`) judges them.
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from igsed import events
from igsed.errors import InputError

SPLITS = ("train", "validation", "test", "recordings")

_README = """The clips of the experiment {experiment}
{underline}

labels.txt                    the classes, one a line
{lines}
    audio/                    the sound files, a clip each
    clips.csv                 clip, path (from the split's folder), duration in seconds, seed of the mixture,
                              polyphony (the most events at once)
    events.tsv                what sounds when: filename, onset and offset in seconds, event_label;
                              a clip without events has empty cells

Sound files may be hard links to those of the experiment: do not change them in place.

A model may learn from train. Thresholds are chosen on validation, so scores of that split are wanted too.
{judged} are judged; do not choose anything by their events.

Scores
------

Wanted: a score of each class at each time of each clip of {wanted}.
Higher means that the class is thought to sound; the scale is yours, but it must be one scale for each clip and class.

Either a file for each clip, <split>/<clip>.tsv, separated by tabs, as sed_scores_eval writes them:

onset\toffset\t{columns}
0.0\t0.1\t{numbers}

Segments may have any length. They begin at 0, follow each other without gaps and end at the clip's end. Igsed takes
the mean of the scores over each 100 ms.

Or one file for each split, <split>.parquet, with the columns clip, label, frame and score: a row for each frame of
100 ms (frame 0 begins at 0 s; a rest shorter than a frame is left out) of each class of each clip.

Judging
-------

In the experiment's configuration:

detectors:
  - ig
  - {{name: theirs, method: scores, path: <folder>}}

<folder> is the one that holds {wanted}. Then run the experiment again: what is there already is kept.
"""


class Exported(NamedTuple):
    """What was written: the folder, and split → number of clips."""

    folder: Path
    clips: dict[str, int]


def export(results: str | Path, folder: str | Path) -> Exported:
    """Write what is needed to make scores for an experiment elsewhere; the folder is whole or not there.

    Parameters
    ----------
    results : path
        `results/<experiment>`, after a run.
    folder : path
        Where to write; a new or an empty folder.

    Raises
    ------
    InputError
        The experiment has no clips or no classifier yet, a sound file is missing, or the folder is not empty or cannot
        be written.
    """
    results, folder = Path(results), Path(folder)
    splits = [split for split in SPLITS if (results / "mixtures" / split / "clips.csv").exists()]
    if not splits:
        raise InputError(f"{results / 'mixtures'}: holds no clips. Name results/<experiment> of a run.")
    labels = _labels(results)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: is not an empty folder. Name a new one, or empty it.")
    target = Path(os.path.abspath(folder))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as place:
            made = Path(place, "made")
            clips = {split: _split(results / "mixtures" / split, made / split) for split in splits}
            (made / "labels.txt").write_text("\n".join(labels) + "\n", encoding="utf-8")
            (made / "README.txt").write_text(_page(results.resolve().name, splits, labels), encoding="utf-8")
            os.replace(made, target)
    except OSError as error:
        raise InputError(f"{error.filename or folder}: {error.strerror}. Make room, or name another folder.") from None
    return Exported(folder, clips)


def _labels(results: Path) -> list[str]:
    """The experiment's classes in order: those of which the classifier says whether they are there."""
    tables = sorted((results / "predictions").glob("seed*/*.csv"))
    if not tables:
        raise InputError(f"{results / 'predictions'}: holds no predictions. Let the run of the experiment end first.")
    return pd.read_csv(tables[0])["label"].drop_duplicates().tolist()


def _split(source: Path, target: Path) -> int:
    """Write a split; returns the number of its clips."""
    clips = pd.read_csv(source / "clips.csv")
    (target / "audio").mkdir(parents=True)
    files = [Path(path).name for path in clips["path"]]
    for file in files:
        _link(source / "audio" / file, target / "audio" / file)
    clips.assign(path=[f"audio/{file}" for file in files]).to_csv(target / "clips.csv", index=False)
    events.write(target / "events.tsv", events.read(source / "events.tsv"), events.clips(source / "events.tsv"))
    return len(clips)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise InputError(f"{source}: there is no such file. Run the experiment again, which makes it anew.") from None
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)


def _page(experiment: str, splits: list[str], labels: list[str]) -> str:
    wanted = [split for split in splits if split != "train"]
    return _README.format(
        experiment=experiment,
        underline="=" * len(f"The clips of the experiment {experiment}"),
        lines="\n".join(f"{split}/" for split in splits),
        judged=" and ".join(split for split in wanted if split != "validation") or "None of the splits",
        wanted=", ".join(wanted),
        columns="\t".join(labels),
        numbers="\t".join("0.5" for _ in labels),
    )
