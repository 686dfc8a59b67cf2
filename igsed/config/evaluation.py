"""The sections `evaluation` and `figures`."""

from typing import Annotated, Literal, NamedTuple

from pydantic import Field, model_validator

from igsed import metrics
from igsed.errors import InputError
from igsed.metrics import DRAWN, METRICS, Metric
from igsed.settings import Positive, Section
from igsed.thresholds import RULES, Rule

_TAKEN = {"clip", "label", "detector", "seed", "split", "protocol", "pairs", "n", "active_ratio"}
"""Columns of the tables of pairs and sweeps, beside which metrics and parameters stand."""


class Protocol(NamedTuple):
    """How detections are made and which pairs are scored.

    `rule` is the threshold rule as the configuration names it; `shared`: its parameter is the best one of
    `evaluation.shared_from`, not of the detector itself; `pairs` as `evaluation.pairs`.
    """

    rule: str
    shared: bool
    pairs: str


class Evaluation(Section):
    """How frame scores are judged."""

    metrics: Annotated[list[str], Field(min_length=1)] = Field(
        [metric.name for metric in metrics.built_in() if metric.default],
        description="what is computed: names of `docs/metrics.md`, or `package.module:name` of a metric of your own; a "
        "list replaces the default, so name all that you want; `iou` and `f1` must be among them",
    )
    thresholds: Annotated[list[str], Field(min_length=1)] = Field(
        ["percentile", "peak", "otsu"],
        description="threshold rules: names of `docs/metrics.md`, or `package.module:name` of a rule of your own",
    )
    percentiles: tuple[Annotated[int, Field(ge=0, le=99)], Annotated[int, Field(ge=1, le=100)]] = Field(
        (1, 99), description="first and last percentile of the threshold sweep on validation, in steps of one"
    )
    select: str = Field(
        "iou", description="the metric of masks, one of `metrics`, whose validation mean the best threshold maximises"
    )
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
    scale: Literal["minmax", "rank", "raw"] = Field(
        "minmax",
        description="how frame scores become comparable across clips for metrics that set one threshold for all of "
        "them, which attributions are not: `minmax`: from 0 at the lowest of the clip and class to the clip "
        "classifier's probability of the class at the highest; `rank`: the share of the clip's frames that score no "
        "higher, times that probability; `raw`: as they are",
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

    @model_validator(mode="after")
    def _components(self):
        for key, find in (("metrics", METRICS.find), ("thresholds", RULES.find)):
            try:
                for name in getattr(self, key):
                    find(name)
            except InputError as error:
                raise ValueError(f"{key}: {error}") from None
        _distinct("metrics", [metric.name for metric in self.chosen_metrics], _TAKEN)
        _distinct("thresholds", [protocol for name in self.thresholds for protocol in RULES.find(name).protocols])
        _distinct("thresholds", self.parameters, _TAKEN | {metric.name for metric in self.chosen_metrics})
        masks = [name for name, metric in zip(self.metrics, self.chosen_metrics, strict=True) if metric.needs == "mask"]
        if self.select not in masks:
            raise ValueError(f"select: {self.select!r} is no metric of masks in metrics; use one of {', '.join(masks)}")
        missing = [name for name in DRAWN if name not in self.metrics]
        if missing:
            raise ValueError(f"metrics: tables and figures show {' and '.join(DRAWN)}; add {', '.join(missing)}")
        return self

    @property
    def chosen_metrics(self) -> list[Metric]:
        """The metrics, in the order of their names."""
        return [METRICS.find(name) for name in self.metrics]

    @property
    def rules(self) -> dict[str, Rule]:
        """The threshold rules by their names in `thresholds`."""
        return {name: RULES.find(name) for name in self.thresholds}

    @property
    def parameters(self) -> list[str]:
        """What the rules' parameters are called."""
        return [rule.parameter for rule in self.rules.values() if rule.parameter]

    def swept(self, logits: bool) -> dict[str, list[float]]:
        """Threshold rule → the values of its parameter that are tried on validation.

        `logits`: whether the scores are logits, without which some rules are left out (`Rule.of_logits`).
        """
        rules = self.rules.items()
        return {name: list(rule.swept(self)) for name, rule in rules if rule.swept and (logits or not rule.of_logits)}

    def protocols_of(self, logits: bool) -> dict[str, Protocol]:
        """The protocols of scores that are logits, or are none."""
        rules = self.rules
        return {name: found for name, found in self.protocols.items() if logits or not rules[found.rule].of_logits}

    @property
    def choices(self) -> list[str]:
        """Every choice of pairs."""
        return [self.pairs, *self.also]

    @property
    def protocols(self) -> dict[str, Protocol]:
        """Every protocol, those of `pairs` first."""
        return {
            f"{protocol}{suffix}": Protocol(name, shared, pairs)
            for pairs, suffix in {self.pairs: "", **{other: f"_{other}" for other in self.also}}.items()
            for name, rule in self.rules.items()
            for protocol, shared in rule.protocols.items()
        }

    @property
    def main_protocols(self) -> list[str]:
        """The protocols of `pairs`, without those of `also`."""
        return [name for name, protocol in self.protocols.items() if protocol.pairs == self.pairs]

    @property
    def arguments(self) -> dict[str, float]:
        """The settings that the metrics of events take."""
        keys = {key for metric in self.chosen_metrics for key in metric.arguments.values()}
        return {key: getattr(self, key) for key in sorted(keys)}


def _distinct(key: str, names: list[str], taken: set[str] | frozenset[str] = frozenset()) -> None:
    """Check that names which become columns differ from each other and from those that exist."""
    for place, name in enumerate(names):
        if name in names[:place] or name in taken:
            raise ValueError(f"{key}: the name {name!r} is used twice, or is that of a column; choose another")


class Figures(Section):
    """What the figures show."""

    examples: Annotated[int, Field(ge=1, le=6)] = Field(3, description="clips in the examples figure")
    detectors: Annotated[list[str], Field(min_length=1)] | None = Field(
        None, description="the detectors that are drawn, of which more than a dozen are hard to tell apart; null: all"
    )
