"""Guided backpropagation: a control, known to depend little on the class (`igsed.attribution.gradients`)."""

from igsed.detectors import OfClassifier, saliency


class Settings(saliency.Settings):
    """The gradient of a class logit, of which rectifiers pass back only what is positive."""


DETECTOR = OfClassifier(
    name="guided_backprop",
    title="Guided backpropagation",
    citation="Springenberg et al. 2015, Striving for simplicity: the all convolutional net",
    settings=Settings,
    run="igsed.attribution.gradients:GuidedBackpropagation",
    score="mean guided gradient",
)
