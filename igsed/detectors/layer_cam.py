"""LayerCAM: activation maps of several layers, as one curve (`igsed.attribution.activation_maps`)."""

from typing import Annotated, Literal

from pydantic import Field

from igsed.detectors import OfClassifier, grad_cam


class Settings(grad_cam.Settings):
    """Activations of layers of the frozen body, times the positive part of gradients of a class logit."""

    layers: Annotated[tuple[int, ...], Field(min_length=1)] | None = Field(
        None,
        description="positions among the body's activations, from 0, or -1 for the last; null: the last of each "
        "resolution of time",
    )
    weighting: Literal["grad_cam", "hires", "layer_cam"] = Field(
        "layer_cam",
        description="what activations are multiplied with: a channel's mean gradient, the gradient, or its positive "
        "part",
    )


DETECTOR = OfClassifier(
    name="layer_cam",
    title="LayerCAM",
    citation="Jiang et al. 2021, LayerCAM: exploring hierarchical class activation maps for localization",
    settings=Settings,
    run="igsed.attribution.activation_maps:ActivationMaps",
    score="mean of the maps over frequency",
)
