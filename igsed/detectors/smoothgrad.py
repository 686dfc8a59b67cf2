"""SmoothGrad, times the clip or not (`igsed.attribution.gradients`)."""

from typing import Literal

from pydantic import Field

from igsed.detectors import OfClassifier, Passes, saliency
from igsed.settings import Count, Positive


class Settings(saliency.Settings):
    """The mean gradient over copies of the clip with white noise."""

    noise: Positive = Field(
        0.1, description="standard deviation of the noise, as a share of the clip's root mean square"
    )
    samples: Count = Field(10, description="noisy copies of the clip")
    times_input: bool = Field(True, description="whether the mean gradient is multiplied with the clip")
    domain: Literal["waveform", "mel"] = Field(
        "waveform", description="what the gradient is taken of: the samples, or the linear mel spectrum"
    )
    batch: Count = Field(5, description="noisy copies per forward and backward pass")


DETECTOR = OfClassifier(
    name="smoothgrad",
    title="SmoothGrad",
    citation="Smilkov et al. 2017, SmoothGrad: removing noise by adding noise",
    settings=Settings,
    run="igsed.attribution.gradients:SmoothGrad",
    steps="samples",
    score="mean attribution",
    passes=lambda settings: Passes(settings["samples"], settings["samples"]),
)
