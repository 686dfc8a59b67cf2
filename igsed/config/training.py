"""The section `training`."""

from typing import Annotated

from pydantic import Field, model_validator

from igsed.settings import Count, Finite, Positive, Section


class Levels(Section):
    """Training clips that are played a second time, louder or softer, with their labels."""

    clips: Count = Field(200, description="further clips, drawn from the training clips, each once before any twice")
    range: tuple[Annotated[Finite, Field(ge=-100, le=60)], Annotated[Finite, Field(ge=-100, le=60)]] = Field(
        (-40.0, 10.0), description="lowest and highest gain, dB, uniform between them"
    )

    all: bool = Field(
        True,
        description="whether all models learn from them, but for those of detectors with `levels: false`; false: only "
        "models of detectors with `levels: true`",
    )

    @model_validator(mode="after")
    def _possible(self):
        if self.range[0] > self.range[1]:
            raise ValueError(f"range: the lower end {self.range[0]} is above the upper end {self.range[1]}; swap them")
        return self


class Training(Section):
    """How the linear heads are trained (Adam, binary cross-entropy, early stopping on the validation loss)."""

    seeds: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)] = Field(
        [0, 1, 2], description="one model of each kind is trained per seed"
    )
    learning_rate: Positive = Field(1e-3, description="Adam's step size")
    batch_size: Count = Field(16, description="clips")
    max_epochs: Count = Field(100, description="passes over the training clips, at most")
    patience: Count = Field(10, description="epochs without a better validation loss before training stops")

    levels: Levels | None = Field(
        None, description="training clips at other levels, for all models; null: none (docs/findings.md)"
    )

    @model_validator(mode="after")
    def _distinct(self):
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds: {self.seeds} names a seed twice; remove the repetition")
        return self
