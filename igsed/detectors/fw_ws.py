"""FW-WS: a framewise head that learns from clip labels through a pooling over frames.

The paper takes the maximum (arXiv:2605.23293). The others are those that Y. Wang, J. Li and F. Metze compare, "A
comparison of five multiple instance learning pooling functions for sound event detection with weak labeling",
arXiv:1810.09050. They pool the frames' probabilities y into that of the clip:

- mean: mean y;
- linear softmax: Σ y² / Σ y;
- exponential softmax: Σ y eʸ / Σ eʸ;
- attention: Σ y w, where w is the softmax over frames of a second linear layer.

All four are means of y with weights, so that 1 − y has the same one; logits come from the logarithms of both, which
neither overflow nor round to 0 or 1. Where one frame's probability is 1 and another's 0 to rounding, such a mean has no
gradient there.
"""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from igsed.detectors import OfFrames, Published, Style
from igsed.settings import Section

Pooling = Literal["max", "mean", "linear_softmax", "exponential_softmax", "attention"]


class Settings(Section):
    """A framewise head that learns from clip labels, by the maximum over frames or another pooling."""

    pooling: Pooling = Field(
        "max",
        description="how frames make a clip while the head learns: the largest logit (the paper's), or a mean of "
        "probabilities with weights that are equal, the probabilities themselves, their exponentials, or learnt",
    )


def maximum(logits):
    """Clip logits of frame logits, torch.Tensor (…, frame, class) → (…, class): the maximum over frames."""
    return logits.amax(-2)


def pooled(logits, pooling: Pooling = "max"):
    """Clip logits of a head's outputs on frames.

    Parameters
    ----------
    logits : torch.Tensor (…, frame, output)
        The frames' logits of each class; for attention, those of the weights of each class after them.
    pooling : str
        See the module.

    Returns
    -------
    torch.Tensor (…, class)
        The logit of the clip's probability.
    """
    if pooling == "max":
        return maximum(logits)
    from torch.nn.functional import logsigmoid

    weight = None
    if pooling == "attention":
        logits, attention = logits.chunk(2, -1)
        weight = attention.log_softmax(-2)
    active, inactive = logsigmoid(logits), logsigmoid(-logits)
    if pooling == "linear_softmax":
        weight = active
    elif pooling == "exponential_softmax":
        weight = logits.sigmoid()
    if weight is not None:
        active, inactive = active + weight, inactive + weight
    return active.logsumexp(-2) - inactive.logsumexp(-2)


def outputs(settings: Mapping[str, Any]) -> int:
    """How many outputs per class a head has: two for attention, else one."""
    return 2 if settings["pooling"] == "attention" else 1


DETECTOR = OfFrames(
    name="fw_ws",
    title="FW-WS",
    citation="Dumpis and Virtanen 2026, arXiv:2605.23293",
    settings=Settings,
    run=pooled,
    learns_from="clip",
    outputs=outputs,
    score="logit",
    style=Style("#BC7A00", (0, (5, 1.5)), "s"),
    published=Published(
        2,
        0.42,
        0.55,
        0.24,
        0.973,
        classes={
            "Alarm_bell_ringing": (0.45, 0.58),
            "Blender": (0.67, 0.78),
            "Cat": (0.54, 0.67),
            "Dishes": (0.20, 0.31),
            "Dog": (0.32, 0.45),
            "Electric_shaver_toothbrush": (0.66, 0.77),
            "Frying": (0.52, 0.68),
            "Running_water": (0.45, 0.58),
            "Speech": (0.41, 0.55),
            "Vacuum_cleaner": (0.45, 0.60),
        },
        peaks={"iou": (43, 0.54), "f1": (43, 0.67)},
    ),
)
