"""Saliency: the size of the gradient (`igsed.attribution.gradients`)."""

from typing import Literal

from pydantic import Field

from igsed.detectors import OfClassifier
from igsed.settings import Section


class Settings(Section):
    """The gradient of a class logit."""

    domain: Literal["waveform", "mel"] = Field(
        "mel", description="what the gradient is taken of: the samples, or the linear mel spectrum"
    )
    sign: Literal["absolute", "positive", "signed"] = Field(
        "absolute", description="how attributions count in a frame's mean: by their size, if positive, or as they are"
    )


DETECTOR = OfClassifier(
    name="saliency",
    title="Saliency",
    citation="Simonyan, Vedaldi and Zisserman 2014, Deep inside convolutional networks",
    settings=Settings,
    run="igsed.attribution.gradients:Saliency",
    score="mean gradient",
)
