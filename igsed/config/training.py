"""The section `training`."""

from typing import Annotated

from pydantic import Field, model_validator

from igsed.settings import Count, Positive, Section


class Training(Section):
    """How the linear heads are trained (Adam, binary cross-entropy, early stopping on the validation loss)."""

    seeds: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)] = Field(
        [0, 1, 2], description="one model of each kind is trained per seed"
    )
    learning_rate: Positive = Field(1e-3, description="Adam's step size")
    batch_size: Count = Field(16, description="clips")
    max_epochs: Count = Field(100, description="passes over the training clips, at most")
    patience: Count = Field(10, description="epochs without a better validation loss before training stops")

    @model_validator(mode="after")
    def _distinct(self):
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds: {self.seeds} names a seed twice; remove the repetition")
        return self
