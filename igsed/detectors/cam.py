"""The class activation map: the clip classifier's head on single frames, without any further pass of the network."""

from igsed.detectors import OfFrames, Style


def maximum(logits):
    """Of no use: the head of the clip classifier is trained already."""
    return logits.amax(-2)


DETECTOR = OfFrames(
    name="cam",
    title="CAM",
    citation="Zhou et al. 2016, Learning deep features for discriminative localization",
    run=maximum,
    learns_from="",
    score="logit",
    style=Style("#882255", (0, (8, 2)), "d"),
)
