"""Kernel SHAP: Shapley values of a clip's cells, estimated from coalitions of them."""

from typing import Annotated

from pydantic import Field

from igsed.detectors import OfMasks
from igsed.errors import InputError
from igsed.perturbation.masks import cell_count
from igsed.perturbation.settings import Cells
from igsed.timeline import frame_count


class Settings(Cells):
    """Kernel SHAP: the logit is shared out among the cells by Shapley values, estimated from some of the coalitions."""

    masks: Annotated[int, Field(ge=4)] = Field(
        128,
        description="masked clips for each clip, at least two for each cell; all coalitions where there are no more",
    )

    def check(self, duration: float) -> None:
        """See `igsed.perturbation.settings.Masking.check`."""
        super().check(duration)
        cells = cell_count(frame_count(duration), self.cell)
        # A coalition and its complement say the same of the differences between cells.
        if self.masks < min(2 * cells, 2**cells):
            raise InputError(
                f"masks: {self.masks} are too few to tell {cells} cells apart, those of a clip of {duration:g} s. Ask "
                f"for {2 * cells} or, for values that are less noisy, {4 * cells}, or for longer cells (key cell)."
            )


DETECTOR = OfMasks(
    name="kernel_shap",
    title="Kernel SHAP",
    citation="Lundberg and Lee 2017, A unified approach to interpreting model predictions",
    settings=Settings,
    masks="igsed.perturbation.masks:coalitions",
    run="igsed.perturbation.scoring:kernel_shap",
    count=lambda settings: min(settings["masks"], 2 ** cell_count(100, settings["cell"])),
    score="Shapley value of the logit",
)
