"""The sections `evaluation` and `figures`."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from igsed.settings import Positive, Section


class Evaluation(Section):
    """How frame scores are judged."""

    percentiles: tuple[Annotated[int, Field(ge=0, le=99)], Annotated[int, Field(ge=1, le=100)]] = Field(
        (1, 99), description="first and last percentile of the threshold sweep on validation, in steps of one"
    )
    select: Literal["iou", "f1"] = Field("iou", description="the validation mean that the best percentile maximises")
    shared_from: str = Field("ig", description="detector whose best percentile all detectors use in protocol `shared`")
    pairs: Literal["predicted_present", "present"] = Field(
        "predicted_present", description="scored (clip, class) pairs: predicted and present, or all present"
    )
    also: list[Literal["predicted_present", "present"]] = Field(
        [],
        description="other choices of `pairs` to report beside it, as protocols `own_<choice>` and `shared_<choice>`; "
        "`present` explains more pairs",
    )
    decision: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.5, description="a class is predicted above this probability"
    )
    upsampling: Literal["linear", "nearest"] = Field(
        "linear", description="how framewise models' coarse frames (0.32 s) become 100 ms frames"
    )
    segment: Positive = Field(1.0, description="sed_eval's segment length, s")
    collar: Positive = Field(0.2, description="sed_eval's onset and offset collar, s")
    merge: Annotated[float, Field(ge=0, le=60)] = Field(
        0.15,
        description="events of one class closer than this, real or detected, count as one in sed_eval's event-based "
        "metrics, s; 0: only those that overlap or touch",
    )
    bootstrap: Annotated[int, Field(ge=100)] = Field(2000, description="bootstrap replicates")
    confidence: Annotated[float, Field(gt=0, lt=1)] = Field(0.95, description="coverage of the intervals")

    @model_validator(mode="after")
    def _possible(self):
        if self.percentiles[0] > self.percentiles[1]:
            raise ValueError(
                f"percentiles: the first, {self.percentiles[0]}, is above the last, {self.percentiles[1]}; swap them"
            )
        if self.pairs in self.also or len(set(self.also)) < len(self.also):
            raise ValueError(f"also: {self.also} repeats a choice of pairs; remove the repetition")
        return self

    @property
    def protocols(self) -> dict[str, str]:
        """Every protocol, and which pairs it scores."""
        names = {"": self.pairs} | {f"_{other}": other for other in self.also}
        return {f"{whose}{suffix}": pairs for suffix, pairs in names.items() for whose in ("own", "shared")}


class Figures(Section):
    """What the figures show."""

    examples: Annotated[int, Field(ge=1, le=6)] = Field(3, description="clips in the examples figure")
