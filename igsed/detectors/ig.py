"""Integrated Gradients as the paper asks for them, by an engine of igsed's own (`igsed.attribution.ig`)."""

from typing import Annotated

from pydantic import Field, model_validator

from igsed.detectors import OfClassifier, Published, Style
from igsed.settings import Section


class Settings(Section):
    """Integrated Gradients in the paper's setting: waveform input, zero waveform as baseline, class logit as target."""

    n_steps: Annotated[int, Field(ge=1)] = Field(
        16, description="pieces of the path from silence to the clip, at first"
    )
    tolerance: Annotated[float, Field(gt=0)] | None = Field(
        0.15, description="estimated relative error of the frame scores above which pieces are doubled; null: never"
    )
    max_steps: Annotated[int, Field(ge=1)] = Field(256, description="pieces of the path, at most")

    @model_validator(mode="after")
    def _possible(self):
        if self.max_steps < self.n_steps:
            raise ValueError(f"max_steps: {self.max_steps} is below n_steps, {self.n_steps}; raise it")
        return self


DETECTOR = OfClassifier(
    name="ig",
    title="IG",
    citation="Sundararajan, Taly and Yan 2017, Axiomatic attribution for deep networks",
    settings=Settings,
    run="igsed.attribution.ig:IntegratedGradients",
    steps="n_steps",
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
