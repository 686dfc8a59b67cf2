"""Integrated Gradients by Captum (`igsed.attribution.ig_captum`)."""

from typing import Annotated, Literal

from pydantic import Field

from igsed.detectors import OfClassifier
from igsed.settings import Count, Section


class Settings(Section):
    """Integrated Gradients by Captum, with the paper's 50 steps: the reference, and slower."""

    n_steps: Annotated[int, Field(ge=2)] = Field(50, description="points on the path from silence to the clip")
    rule: Literal["gausslegendre", "riemann_middle", "riemann_trapezoid"] = Field(
        "gausslegendre", description="Captum's integration method"
    )
    batch: Count = Field(5, description="points per forward and backward pass")


DETECTOR = OfClassifier(
    name="ig_captum",
    title="IG (Captum)",
    citation="Sundararajan, Taly and Yan 2017, Axiomatic attribution for deep networks; Captum",
    settings=Settings,
    run="igsed.attribution.ig_captum:CaptumIntegratedGradients",
    steps="n_steps",
    score="mean absolute attribution",
)
