"""Occlusion: how far the classifier's logit falls when a window of the clip is replaced."""

from pydantic import Field, model_validator

from igsed.detectors import OfMasks
from igsed.errors import InputError
from igsed.perturbation.masks import frames, windows
from igsed.perturbation.settings import Length, Masking
from igsed.timeline import frame_count


class Settings(Masking):
    """Occlusion: a window that slides over the clip is replaced, and the fall of the logit is the window's score."""

    window: Length = Field(0.3, description="length of the window in seconds, a multiple of 0.1")
    hop: Length = Field(0.3, description="from one window to the next in seconds, a multiple of 0.1; at most `window`")

    @model_validator(mode="after")
    def _possible(self):
        if frames(self.hop) > frames(self.window):
            raise ValueError(
                f"hop: {self.hop:g} s is more than window, {self.window:g} s, and would leave gaps; lower it"
            )
        return self

    def check(self, duration: float) -> None:
        """See `igsed.perturbation.settings.Masking.check`."""
        if frames(self.window) >= frame_count(duration):
            raise InputError(
                f"window: {self.window:g} s cover a whole clip of {duration:g} s, so nothing to compare. Shorten it."
            )


DETECTOR = OfMasks(
    name="occlusion",
    title="Occlusion",
    citation="Zeiler and Fergus 2014, Visualizing and understanding convolutional networks",
    settings=Settings,
    masks="igsed.perturbation.masks:windows",
    run="igsed.perturbation.scoring:occlusion",
    count=lambda settings: len(windows(100, None, settings["window"], settings["hop"])),
    score="fall of the logit",
)
