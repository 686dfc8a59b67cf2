"""Kernel SHAP: Shapley values of a clip's cells, estimated from coalitions of them."""

from typing import Annotated

from pydantic import Field

from igsed.detectors import OfMasks
from igsed.perturbation.masks import cell_count
from igsed.perturbation.settings import Cells


class Settings(Cells):
    """Kernel SHAP: the logit is shared out among the cells by Shapley values, estimated from some of the coalitions."""

    masks: Annotated[int, Field(ge=4)] = Field(
        128, description="masked clips for each clip; all coalitions where there are no more of them"
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
