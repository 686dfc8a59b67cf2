"""Settings that detectors of masked clips share, so that those with equal ones share the masked clips too."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from igsed.errors import InputError
from igsed.perturbation.masks import cell_count, frames
from igsed.settings import Section
from igsed.timeline import FRAME, frame_count


def _of_frames(seconds: float) -> float:
    if abs(seconds - frames(seconds) * FRAME) > 1e-6:
        raise ValueError(f"must be a multiple of {FRAME} s, the length of a frame")
    return seconds


Length = Annotated[float, Field(ge=FRAME, allow_inf_nan=False), AfterValidator(_of_frames)]
"""A multiple of 0.1 s."""


class Masking(Section):
    """What masked clips are made of."""

    filler: Literal["silence", "quiet_second", "noise"] = Field(
        "quiet_second",
        description="what replaces a masked part: silence, the clip's quietest second, or white noise as loud as that",
    )

    def check(self, duration: float) -> None:
        """Whether clips of `duration` seconds can be masked so.

        Raises
        ------
        InputError
            They are too short; the message begins with the key.
        """


class Cells(Masking):
    """A clip in cells, which masks keep or remove."""

    masks: Annotated[int, Field(ge=2)] = Field(60, description="masked clips for each clip")
    cell: Length = Field(0.3, description="length of a cell in seconds, a multiple of 0.1")

    def check(self, duration: float) -> None:
        """See `Masking.check`."""
        if cell_count(frame_count(duration), self.cell) < 2:
            raise InputError(
                f"cell: {self.cell:g} s leave one cell of a clip of {duration:g} s, so nothing to compare. Shorten it."
            )


class RandomCells(Cells):
    """Cells that are kept or removed at random, each for itself."""

    keep: Annotated[float, Field(gt=0, lt=1)] = Field(0.5, description="probability that a cell is kept, 0…1")
