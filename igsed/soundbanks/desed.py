"""The DESED soundbank with its backgrounds: where each recording lies, as published.

Foregrounds come from freesound; `DESED_synth_soundbank.tar.gz` holds them for training and for evaluation, together
with the evaluation's backgrounds, in the layout of `igsed.soundbanks.soundbank`. The training backgrounds are parts of
two other data sets, chosen as DESED chooses them (github turpaultn/DESED, `desed/download.py`): of SINS (DCASE 2018
task 5, development) the segments of the class "other", of TUT acoustic scenes 2017 (development) those of home, office
and library. Both have a table `meta.txt` without header: `audio/<name>.wav`, class, session or location, separated by
tabs.

A background's source is what was recorded in one go, so that no two splits share it: the session of SINS, whose four
nodes hear the same (`DevNode<node>_ex<session>_<segment>.wav`), and the location of TUT (`b<location>_<start>_<end>`).

An archive may have one or two more folders around its content. Not known, since the archive could not be seen: the
names of the folders below the evaluation's `background`; any will do.
"""

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import pandas as pd
from pydantic import Field, model_validator

from igsed.errors import InputError, Problems
from igsed.names import normal
from igsed.soundbanks import Kind, Promise, Settings, soundbank
from igsed.soundbanks.soundbank import Recording


class Backgrounds(NamedTuple):
    """Which segments of a data set are backgrounds: those of `classes`; `source` finds the source in a file's name."""

    classes: tuple[str, ...]
    source: str
    licence: str


BACKGROUNDS: Mapping[str, Backgrounds] = {
    "sins": Backgrounds(("other",), r"DevNode[0-9]+_(ex[0-9]+)_[0-9]+", "non-commercial, see EULA.pdf in the archive"),
    "tut_scenes_2017": Backgrounds(
        ("home", "office", "library"), r"([a-z]+[0-9]+)_[0-9]+_[0-9]+", "non-commercial, see the archive's EULA"
    ),
}
"""The sets of training backgrounds that DESED uses. Licences as dcase_util gives them: "free non-commercial"."""

VALIDATION_LIST = "soundbank_validation.tsv"
"""Beside the unpacked soundbank: DESED's own choice of a tenth of the training recordings, backgrounds included."""

_SOUNDBANK = "desed_soundbank"
_RECORDINGS = {_SOUNDBANK: 1009 + 314, "sins": 2060}
"""Foreground recordings of DESED's soundbank and backgrounds from SINS; those from TUT are not counted."""


def index(
    sources: Mapping[str, str | Path],
    labels: Sequence[str],
    backgrounds: Sequence[str],
    validation_share: float,
    validation_list: str | Path | None = None,
    progress: Callable[[Iterable], Iterable] = iter,
) -> pd.DataFrame:
    """Find, check and assign DESED's recordings to splits; those that cannot be used are left out and reported.

    Parameters
    ----------
    sources : mapping
        The unpacked archives: `desed_soundbank`, and those of `backgrounds` other than "eval".
    labels : sequence of str
        The experiment's classes.
    backgrounds : sequence of str
        What training and validation mixtures are laid over: "sins", "tut_scenes_2017", "eval". With "eval" the
        soundbank's own evaluation backgrounds are shared out among all three splits; without it they are the test's.
    validation_share, validation_list, progress
        See `soundbank.check`. DESED's own list is the file `VALIDATION_LIST`.

    Returns
    -------
    pandas.DataFrame
        See `soundbank.check`.

    Raises
    ------
    InputError
        As `find` and `soundbank.check`.
    """
    found = find(sources, labels, backgrounds)
    return soundbank.check(found, validation_share, validation_list, leave_out=True, progress=progress)


def find(
    sources: Mapping[str, str | Path],
    labels: Sequence[str],
    backgrounds: Sequence[str],
    problems: Problems | None = None,
) -> list[Recording]:
    """The recordings that an experiment uses, in a fixed order; parameters as of `index`.

    Where `problems` is given, what lacks is noted there instead of raised.

    Raises
    ------
    InputError
        Folders lack what the sources are known to hold: all of it is reported.
    """
    root = _root(sources[_SOUNDBANK], "audio/train/soundbank", "DESED_synth_soundbank.tar.gz")
    found, lacking = [], Problems() if problems is None else problems
    for part in ("train", "eval"):
        for label in labels:
            with lacking.noted():
                found += soundbank.foregrounds(root, part, label)
    with lacking.noted():
        evaluation = soundbank.backgrounds(root, "eval")
        found += [recording._replace(part="any") for recording in evaluation] if "eval" in backgrounds else evaluation
    # The tables lie in the archive, at its top or beside `audio`.
    tables = [soundbank.licences(folder) for folder in dict.fromkeys((root, Path(sources[_SOUNDBANK])))]
    found = [r._replace(licence=next(filter(None, (known(r.path) for known in tables)), "")) for r in found]
    for name in backgrounds:
        if name != "eval":
            with lacking.noted():
                found += _segments(name, sources[name])
    if problems is None:
        lacking.tell()
    return found


def _root(folder: str | Path, part: str, archive: str) -> Path:
    """The folder that holds `part`: `folder` or one or two levels below."""
    folder = Path(folder)
    for root in (folder, *sorted(folder.glob("*")), *sorted(folder.glob("*/*"))):
        if (root / part).exists():
            return root
    raise InputError(f"{folder}: holds no {part}. Unpack {archive} there, or remove the folder to have it done again.")


def _segments(name: str, folder: str | Path) -> list[Recording]:
    """The segments of the classes wanted that are there."""
    wanted = BACKGROUNDS[name]
    meta = _root(folder, "meta.txt", f"all archives of {name}, its meta.zip included,") / "meta.txt"
    try:
        rows = [line.split("\t") for line in meta.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{meta}: cannot be read as a table ({error}). Fetch {name} again.") from None
    listed = [row for row in rows if len(row) > 1 and row[1].strip() in wanted.classes]
    if not listed:
        raise InputError(
            f"{meta}: lists no segment of {', '.join(wanted.classes)}. Expected lines `audio/<name>.wav`, class and "
            f"session, separated by tabs; fetch {name} again."
        )
    there: dict[str, list[Path]] = {}
    for path in soundbank.sounds(meta.parent):
        there.setdefault(normal(path.relative_to(meta.parent).as_posix()), []).append(path)
    found = []
    for file, _, *rest in listed:
        for path in there.get(normal(file.strip()), ()):
            parsed = re.fullmatch(wanted.source, path.stem)
            source = parsed[1] if parsed else rest[0].strip() if rest else soundbank.base(path.stem)
            found.append(Recording("train", "background", name, f"{name}/{source}", path, licence=wanted.licence))
    if not found:
        raise InputError(f"{meta.parent}: has none of the {len(listed)} files that meta.txt lists. Fetch {name} again.")
    if len(found) < len(listed):
        logging.warning("%s: %d of the %d files listed are not there", meta, len(listed) - len(found), len(listed))
    return found


class DesedSettings(Settings):
    """The DESED soundbank, downloaded."""

    training_backgrounds: Annotated[list[Literal["sins", "tut_scenes_2017", "eval"]], Field(min_length=1)] = Field(
        ["sins", "tut_scenes_2017"],
        description="backgrounds of training and validation mixtures, as DESED has them; `eval` alone is the light "
        "choice: the soundbank's own few evaluation backgrounds, shared out among the three splits",
    )
    validation: Literal["share", "official"] = Field(
        "share",
        description="which training recordings are set aside for validation mixtures: `share`: a share of each "
        "class's sources; `official`: those of DESED's own list, backgrounds included",
    )

    @model_validator(mode="after")
    def _eval_stands_alone(self):
        if "eval" in self.training_backgrounds and len(self.training_backgrounds) > 1:
            raise ValueError("training_backgrounds: 'eval' stands alone; remove it or the others")
        return self


class Desed(Kind):
    """The soundbank and two sets of backgrounds, from Zenodo."""

    def index(self, places, labels, settings, progress=iter):
        backgrounds, share = settings.training_backgrounds, settings.validation_share
        return index(places, labels, backgrounds, share, self._validation_list(places, settings), progress)

    def _validation_list(self, places, settings):
        return Path(places[_SOUNDBANK], VALIDATION_LIST) if settings.validation == "official" else None

    def sources(self, settings):
        return [_SOUNDBANK, *(name for name in settings.training_backgrounds if name != "eval")]

    def promise(self, places, labels, settings, problems):
        if _SOUNDBANK not in places:
            return None
        backgrounds = [name for name in settings.training_backgrounds if name in ("eval", *places)]
        table = soundbank.unread(find(places, labels, backgrounds, problems))
        listed = self._validation_list(places, settings)
        soundbank.assign(table, settings.validation_share, listed, problems)
        # Where recordings may yet be left out, their sources' share for validation can still become another one.
        return Promise(table) if listed else Promise(table, ["test"])

    def count(self, settings, labels):
        return sum(number for name, number in _RECORDINGS.items() if name in self.sources(settings))

    def sentence(self, settings):
        return "DESED's"


KIND = Desed(
    name="desed",
    title="the DESED soundbank",
    settings=DesedSettings,
    citation="Turpault et al. (2019), Sound event detection in domestic environments with weakly labeled data and "
    "soundscape synthesis",
)
