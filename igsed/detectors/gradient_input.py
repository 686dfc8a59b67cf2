"""Gradient × input (`igsed.attribution.gradients`)."""

from igsed.detectors import OfClassifier, Style, saliency


class Settings(saliency.Settings):
    """The gradient of a class logit, times the clip."""


DETECTOR = OfClassifier(
    name="gradient_input",
    title="Gradient × input",
    citation="Shrikumar et al. 2016, Not just a black box: learning important features through propagating activation "
    "differences",
    settings=Settings,
    run="igsed.attribution.gradients:GradientInput",
    score="mean attribution",
    style=Style("#332288", (0, (8, 2, 1, 2)), "8"),
)
