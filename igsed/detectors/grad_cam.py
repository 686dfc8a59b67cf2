"""Grad-CAM (`igsed.attribution.activation_maps`)."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from igsed.detectors import OfClassifier
from igsed.settings import Section


class Settings(Section):
    """Activations of layers of the frozen body, weighed by gradients of a class logit."""

    layers: Annotated[tuple[int, ...], Field(min_length=1)] | None = Field(
        (-1,),
        description="positions among the body's activations, from 0, or -1 for the last; null: the last of each "
        "resolution of time",
    )
    weighting: Literal["grad_cam", "hires", "layer_cam"] = Field(
        "grad_cam",
        description="what activations are multiplied with: a channel's mean gradient, the gradient, or its positive "
        "part",
    )
    relu: bool = Field(True, description="whether what speaks against a class is set to zero in a layer's map")
    fusion: Literal["maximum", "mean"] = Field(
        "maximum", description="how the curves of several layers, each scaled to 0…1, become one"
    )

    @field_validator("layers")
    @classmethod
    def _once(cls, layers):
        if layers and len(set(layers)) < len(layers):
            raise ValueError(f"layers: a position stands twice in {list(layers)}; leave one out")
        return layers

    def check_network(self, network) -> None:
        """Look for the layers in a network, an `igsed.backbones.Backbone` with whatever weights.

        Raises
        ------
        ValueError
            There is no such layer.
        """
        if self.layers is None or self.layers == (-1,):
            return
        from igsed.attribution.activation_maps import layer_count  # here, so that a declaration does not import torch

        count = layer_count(network)
        if absent := [layer for layer in self.layers if not -count <= layer < count]:
            raise ValueError(f"layers: there is no {absent[0]}, the network has {count}, 0 to {count - 1}; correct it")


DETECTOR = OfClassifier(
    name="grad_cam",
    title="Grad-CAM",
    citation="Selvaraju et al. 2017, Grad-CAM: visual explanations from deep networks via gradient-based localization",
    settings=Settings,
    run="igsed.attribution.activation_maps:ActivationMaps",
    score="mean of the map over frequency",
)
