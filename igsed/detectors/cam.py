"""The class activation map: the clip classifier's head on single frames, without any further pass of the network."""

from igsed.detectors import OfFrames, Style
from igsed.detectors.fw_ws import maximum

DETECTOR = OfFrames(
    name="cam",
    title="CAM",
    citation="Zhou et al. 2016, Learning deep features for discriminative localization",
    run=maximum,
    learns_from="",
    score="logit",
    style=Style("#882255", (0, (8, 2)), "d"),
)
