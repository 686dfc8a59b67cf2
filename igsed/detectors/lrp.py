"""Layer-wise relevance propagation, by rules of igsed's own that conserve the logit (`igsed.attribution.lrp`)."""

from typing import Annotated, Literal

from pydantic import Field

from igsed.detectors import OfClassifier, Passes
from igsed.settings import Finite, Section


class Settings(Section):
    """Which part of a neuron's relevance each of its inputs gets, from the logit down to the log-mel spectrum."""

    rule: Literal["epsilon", "gamma", "z_plus"] = Field(
        "gamma",
        description="by contribution, which `epsilon` keeps from exploding (epsilon); with those contributions counted "
        "more that have the sign of the neuron's output (gamma); by these alone (z_plus)",
    )
    epsilon: Annotated[Finite, Field(gt=0)] = Field(
        0.25,
        description="of rule epsilon: what is added to the size of each output, as a share of the mean size of the "
        "layer's outputs",
    )
    gamma: Annotated[Finite, Field(gt=0)] = Field(
        0.25, description="of rule gamma: how much more contributions with the output's sign count, as a share"
    )
    first_layer: Literal["w_square", "same"] = Field(
        "w_square",
        description="the rule of the layer that sees the log-mel spectrum, whose zero is no special loudness: by the "
        "squares of its weights alone (w_square), or as the others (same)",
    )
    biases: Literal["shared", "kept"] = Field(
        "shared",
        description="relevance of biases, and what epsilon takes: shared among the neuron's inputs, so that relevance "
        "sums to the logit less the head's bias, or kept by them",
    )
    sign: Literal["positive", "absolute", "signed"] = Field(
        "positive",
        description="what of a band's relevance counts: what speaks for the class, its size, or both signs against "
        "each other",
    )


def _passes(settings) -> Passes:
    """Each layer is computed for its output and twice for its contributions; two pulls for each class."""
    return Passes(3, 2)


DETECTOR = OfClassifier(
    name="lrp",
    title="LRP",
    citation="Bach et al. 2015, On pixel-wise explanations for non-linear classifier decisions by layer-wise relevance "
    "propagation",
    settings=Settings,
    run="igsed.attribution.lrp:LayerwiseRelevance",
    score="mean relevance per log-mel band",
    passes=_passes,
)
