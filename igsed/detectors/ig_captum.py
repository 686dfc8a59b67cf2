"""Integrated Gradients by Captum (`igsed.attribution.ig_captum`)."""

from typing import Annotated, Literal

from pydantic import Field

from igsed.detectors import OfClassifier, Passes
from igsed.settings import Count, Section


class Settings(Section):
    """Integrated Gradients by Captum, with the paper's 50 steps: the reference, and slower."""

    n_steps: Annotated[int, Field(ge=2)] = Field(50, description="points on the path from the baseline to the clip")
    rule: Literal["gausslegendre", "riemann_middle", "riemann_trapezoid"] = Field(
        "gausslegendre", description="Captum's integration method"
    )
    batch: Count = Field(5, description="points per forward and backward pass")
    baseline: Literal["silence", "quiet_second", "noise"] = Field(
        "silence",
        description="what the clip is compared with: silence; its quietest second, to and fro; white noise as loud as "
        "that",
    )


DETECTOR = OfClassifier(
    name="ig_captum",
    title="IG (Captum)",
    citation="Sundararajan, Taly and Yan 2017, Axiomatic attribution for deep networks; Captum",
    settings=Settings,
    run="igsed.attribution.ig_captum:CaptumIntegratedGradients",
    steps="n_steps",
    # Captum takes one class at a time, so that forward passes are for each class too
    passes=lambda settings: Passes(0, 2 * settings["n_steps"]),
    score="mean absolute attribution",
)
