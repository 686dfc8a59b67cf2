"""Soundbanks: isolated sound events and backgrounds that mixtures are made of.

Each kind of soundbank is a `Kind`, declared beside its code in a module or package of this package.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from pydantic import Field

from igsed import LABELS
from igsed.components import Component, Family
from igsed.errors import Problems
from igsed.settings import Section

if TYPE_CHECKING:
    import pandas as pd

Places = Mapping[str, str | Path]
"""Folders: of each fetched source by its name, of what a kind made itself by the kind's name."""


class Settings(Section):
    """Settings that most kinds have."""

    validation_share: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.25, description="share of each class's training recordings set aside for validation mixtures (at least one)"
    )


class Promise(NamedTuple):
    """What can be said of a soundbank before its recordings are read.

    `table`: recordings as of `igsed.soundbanks.soundbank.unread`, with the column `split`; `splits`: those splits
    whose recordings cannot become others.
    """

    table: pd.DataFrame
    splits: Sequence[str] = ("train", "validation", "test")


@dataclass(frozen=True, kw_only=True)
class Kind(Component):
    """A kind of soundbank: a subclass says how its recordings are had and found, an object of it is the declaration.

    Recordings are the user's (`files`), are fetched (`sources`), or are made by the kind itself (`makes`, `make`).
    In all methods `settings` is an object of the model `settings`, `labels` are the experiment's classes.

    Attributes
    ----------
    makes : bool
        Whether the kind makes its recordings, in a folder of its own.
    shared : str
        Name of this folder in ``resources/``, where all experiments share it: what it holds then depends on nothing of
        an experiment but what `recipe` says. Empty: it is ``results/<experiment>/soundbank``.
    downloads : bool
        Whether `make` needs a network connection.
    """

    makes: bool = False
    shared: str = ""
    downloads: bool = False

    def index(
        self,
        places: Places,
        labels: Sequence[str],
        settings: Any,
        progress: Callable[[Iterable], Iterable] = iter,
    ) -> pd.DataFrame:
        """Every recording, checked, with its split: see `igsed.soundbanks.soundbank.check`.

        Parameters
        ----------
        places : mapping of str to path
            See `Places`.
        progress : callable
            Wraps the recordings while they are read.

        Raises
        ------
        InputError
            Recordings are missing or cannot be used.
        """
        raise NotImplementedError

    def classes(self, settings: Any) -> Sequence[str]:
        """The classes that there are recordings of; those that are none of DESED's are passed over."""
        return LABELS

    def sources(self, settings: Any) -> list[str]:
        """The sources of ``config/sources.csv`` that are to be fetched."""
        return []

    def files(self, settings: Any, labels: Sequence[str]) -> list[Path]:
        """Files of the user's: when one is added, removed or changed, the index is made anew.

        Raises
        ------
        InputError
            There are too few.
        """
        return []

    def recipe(self, settings: Any, labels: Sequence[str], seed: int, sample_rate: int) -> dict[str, Any]:
        """Keyword arguments of `make`, plain values: with others the folder is made anew."""
        return {}

    def make(self, folder: Path, downloads: Path, progress: Callable[[Iterable], Iterable], **recipe) -> None:
        """Write the recordings below an empty folder; `downloads` is for what is fetched for them.

        Raises
        ------
        InputError
            They cannot be made.
        """
        raise NotImplementedError

    def promise(self, places: Places, labels: Sequence[str], settings: Any, problems: Problems) -> Promise | None:
        """What names and tables alone show, reported before a run; None where nothing can be known yet.

        Parameters
        ----------
        places : mapping of str to path
            Those folders that are there already.
        problems : Problems
            Gets what is wrong, as `index` would raise it.
        """
        return None

    def count(self, settings: Any, labels: Sequence[str]) -> int:
        """How many recordings there will be, about.

        Raises
        ------
        InputError
            As `files`.
        """
        return len(self.files(settings, labels))

    def sentence(self, settings: Any) -> str:
        """Where the recordings come from, as a noun phrase in reStructuredText, for the report."""
        return self.title


KINDS = Family("soundbank", "igsed.soundbanks", Kind)
