"""A whole configuration."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from igsed import LABELS, backbones, recordings, soundbanks
from igsed.config.choice import Choice
from igsed.config.detectors import Attribution, CaptumIntegratedGradients, IntegratedGradients
from igsed.config.evaluation import Evaluation, Figures
from igsed.config.mixtures import Mixtures
from igsed.config.training import Training
from igsed.errors import suggestion
from igsed.registry import ATTRIBUTIONS, BASELINES, FRAMEWISE
from igsed.settings import Section

SOUNDBANK = Choice(soundbanks.KINDS, "kind")
RECORDINGS = Choice(recordings.KINDS, "kind")
BACKBONE = Choice(backbones.NETWORKS, "name")


class Config(Section):
    """An experiment."""

    experiment: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")] = Field(
        description="name of the experiment; everything it makes lies in `results/<experiment>/`"
    )
    seed: Annotated[int, Field(ge=0, lt=2**63)] = Field(description="root of every random draw")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="where networks run; `auto` takes a GPU where the machine that plans the jobs has one"
    )
    labels: Annotated[list[Literal[LABELS]], Field(min_length=1)] | None = Field(  # type: ignore[valid-type]
        None, description="the classes; without it those that the soundbank has"
    )
    sources: str = Field("config/sources.csv", description="table of what can be downloaded, from where")
    soundbank: Annotated[Any, SOUNDBANK] = Field(description="source recordings")
    mixtures: Mixtures = Field(description="synthetic clips")
    recordings: Annotated[Any, RECORDINGS] | None = Field(
        None, description="real recordings with strong labels, detected and scored like the test split"
    )
    backbone: Annotated[Any, BACKBONE] = Field(BACKBONE.default("yamnet"), description="frozen, pretrained network")
    training: Training = Field(Training(), description="heads")
    detectors: Annotated[list[str], Field(min_length=1)] = Field(
        ["ig", "fw_ws", "fw_ss", "random", "energy"],
        description="what is compared: built-in names, or names defined under `attributions`",
    )
    ig: IntegratedGradients = Field(IntegratedGradients(), description="the detector `ig`")
    ig_captum: CaptumIntegratedGradients = Field(CaptumIntegratedGradients(), description="the detector `ig_captum`")
    attributions: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")], Attribution] = Field(
        {}, description="attribution methods of your own, by the name that `detectors` uses"
    )
    evaluation: Evaluation = Field(Evaluation(), description="thresholds, metrics, intervals")
    figures: Figures = Field(Figures(), description="figures")

    @model_validator(mode="after")
    def _detectors(self):
        known = [*ATTRIBUTIONS, *FRAMEWISE, *BASELINES, *self.attributions]
        if clash := [name for name in self.attributions if name in [*ATTRIBUTIONS, *FRAMEWISE, *BASELINES]]:
            raise ValueError(f"attributions: {clash[0]!r} is a built-in detector; choose another name")
        for name in self.detectors:
            if name not in known:
                raise ValueError(
                    f"detectors: {name!r} is unknown{suggestion(name, known)}; known are {', '.join(known)}"
                )
        if len(set(self.detectors)) < len(self.detectors):
            raise ValueError("detectors: a name occurs twice; remove the repetition")
        if self.evaluation.shared_from not in self.detectors:
            raise ValueError(
                f"evaluation.shared_from: {self.evaluation.shared_from!r} is not among the detectors "
                f"({', '.join(self.detectors)}); choose one of them or add it to detectors"
            )
        return self

    @property
    def classes(self) -> list[str]:
        """The experiment's classes in DESED's order; without `labels`, those that the soundbank has."""
        if self.labels is not None:
            return [label for label in LABELS if label in self.labels]
        present = self.soundbank.component.classes(self.soundbank)
        return [label for label in LABELS if label in present]

    @property
    def downloads(self) -> list[str]:
        """The sources of `config/sources.csv` that the experiment needs."""
        found = self.soundbank.component.sources(self.soundbank)
        if self.recordings and self.recordings.component.source:
            found.append(self.recordings.component.source)
        return [*found, *self.backbone.component.sources(self.backbone)]

    @property
    def attribution_methods(self) -> dict[str, Attribution]:
        """The attribution methods among the detectors, built-in ones included."""
        built_in = {
            name: Attribution(function=path, options=getattr(self, name).model_dump())
            for name, path in ATTRIBUTIONS.items()
        }
        return {name: method for name, method in (built_in | self.attributions).items() if name in self.detectors}

    def seeds_of(self, detector: str) -> list[int]:
        """The seeds for which a detector has scores of its own; a detector without a model has only seed 0."""
        return [0] if detector in BASELINES else self.training.seeds
