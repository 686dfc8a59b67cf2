"""DeepLIFT: the change of a logit from a baseline to the clip, shared out (`igsed.attribution.deep_lift`)."""

from typing import Literal

from pydantic import Field

from igsed.detectors import OfClassifier, Passes
from igsed.settings import Section


class Settings(Section):
    """DeepLIFT's rescale rule from a baseline's linear mel spectrum to the clip's."""

    baseline: Literal["silence", "quiet_second", "noise"] = Field(
        "quiet_second",
        description="what the clip is compared with: zeros, its second of least energy to and fro, or white noise as "
        "loud as that",
    )
    sign: Literal["absolute", "positive", "signed"] = Field(
        "absolute", description="how contributions count in a frame's mean: by their size, if positive, or as they are"
    )


DETECTOR = OfClassifier(
    name="deep_lift",
    title="DeepLIFT",
    citation="Shrikumar, Greenside and Kundaje 2017, Learning important features through propagating activation "
    "differences",
    settings=Settings,
    run="igsed.attribution.deep_lift:DeepLift",
    score="mean contribution",
    passes=lambda settings: Passes(2, 1),
)
