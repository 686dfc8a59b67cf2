"""LIME: a linear model of what the classifier makes of random parts of the clip."""

from typing import Annotated

from pydantic import Field

from igsed.detectors import OfMasks
from igsed.perturbation.settings import RandomCells
from igsed.settings import Positive


class Settings(RandomCells):
    """LIME: cells are removed at random, and a ridge regression of the logits gives each cell a coefficient."""

    kernel_width: Annotated[float, Field(ge=0.01, allow_inf_nan=False)] = Field(
        0.25, description="masks count by exp(−d² / (2 width²)), d their cosine distance (0…1) from the whole clip"
    )
    penalty: Positive = Field(1.0, description="of the ridge regression, on the sum of squared coefficients")


DETECTOR = OfMasks(
    name="lime",
    title="LIME",
    citation='Ribeiro, Singh and Guestrin 2016, "Why should I trust you?"',
    settings=Settings,
    masks="igsed.perturbation.masks:cells",
    run="igsed.perturbation.scoring:lime",
    count=lambda settings: settings["masks"],
    score="coefficient of the logit",
)
