"""Integrated Gradients as the paper asks for them, by an engine of igsed's own (`igsed.attribution.ig`)."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from igsed.detectors import OfClassifier, Passes, Published, Style
from igsed.settings import Count, Section

_SPECTRA = ("percentile", "median")
_SOUNDS = {"background": "backgrounds", "training": "clips"}


class Settings(Section):
    """Integrated Gradients; by default in the paper's setting: of the waveform, from silence, of the class logit."""

    baseline: Literal[
        "silence",
        "quiet_second",
        "noise",
        "background",
        "training",
        "percentile",
        "median",
        "shuffled",
        "phase",
    ] = Field(
        "silence",
        description="what the clip is compared with: silence; its quietest second, to and fro; white noise as loud as "
        "that; stretches without events of training clips (background); training clips (training: expected gradients); "
        "a percentile or the median over time of each mel band; the clip's pieces of 100 ms in another order; the clip "
        "with random phases",
    )
    domain: Literal["waveform", "mel"] = Field(
        "waveform", description="what is given attributions: the samples, or the linear mel spectrum"
    )
    sign: Literal["absolute", "positive", "signed"] = Field(
        "absolute",
        description="what counts of each attribution: magnitude, what speaks for the class, or all with its sign",
    )
    percentile: Annotated[float, Field(ge=0, le=100)] = Field(
        10.0, description="of the baseline percentile, in percent of the spectra"
    )
    draws: Count = Field(
        4, description="how many sounds of training clips a clip is compared with, for background and training"
    )
    n_steps: Count = Field(
        16,
        description="pieces of the path from the baseline to the clip, at first; 1, with tolerance null, is DeepLIFT's "
        "rescale rule",
    )
    tolerance: Annotated[float, Field(gt=0)] | None = Field(
        0.15, description="estimated relative error of the frame scores above which pieces are doubled; null: never"
    )
    max_steps: Count = Field(256, description="pieces of the path, at most")

    @model_validator(mode="after")
    def _possible(self):
        if self.max_steps < self.n_steps:
            raise ValueError(f"max_steps: {self.max_steps} is below n_steps, {self.n_steps}; raise it")
        if self.baseline in _SPECTRA and self.domain != "mel":
            raise ValueError(f"domain: the baseline {self.baseline} is a spectrum, which no waveform has; set mel")
        return self


def _passes(settings: Mapping[str, Any]) -> Passes:
    draws = settings["draws"] if settings["baseline"] in _SOUNDS else 1
    return Passes(draws * (settings["n_steps"] + 1), draws * settings["n_steps"])


def _sounds(settings: Mapping[str, Any]) -> str:
    return _SOUNDS.get(settings["baseline"], "")


DETECTOR = OfClassifier(
    name="ig",
    title="IG",
    citation="Sundararajan, Taly and Yan 2017, Axiomatic attribution for deep networks",
    settings=Settings,
    run="igsed.attribution.ig:IntegratedGradients",
    steps="n_steps",
    passes=_passes,
    sounds=_sounds,
    score="mean absolute attribution",
    style=Style("#0072B2", "solid", "o"),
    published=Published(
        1,
        0.39,
        0.52,
        0.23,
        0.826,
        classes={
            "Alarm_bell_ringing": (0.44, 0.57),
            "Blender": (0.63, 0.75),
            "Cat": (0.47, 0.61),
            "Dishes": (0.20, 0.31),
            "Dog": (0.45, 0.57),
            "Electric_shaver_toothbrush": (0.67, 0.79),
            "Frying": (0.40, 0.57),
            "Running_water": (0.49, 0.62),
            "Speech": (0.32, 0.46),
            "Vacuum_cleaner": (0.51, 0.65),
        },
        peaks={"iou": (56, 0.39), "f1": (57, 0.52)},
    ),
)
