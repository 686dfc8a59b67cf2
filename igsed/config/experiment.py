"""A whole configuration."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from igsed import LABELS, backbones, recordings, soundbanks
from igsed.config.choice import Choice
from igsed.config.detectors import Chosen
from igsed.config.evaluation import Evaluation, Figures
from igsed.config.mixtures import Mixtures
from igsed.config.training import Training
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
    detectors: Annotated[list[Chosen], Field(min_length=1)] = Field(
        [Chosen.model_validate(name) for name in ("ig", "fw_ws", "fw_ss", "random", "energy")],
        description="what is compared: names, or mappings `{name: …, method: …, <settings of the method>}`",
    )
    evaluation: Evaluation = Field(Evaluation(), description="thresholds, metrics, intervals")
    figures: Figures = Field(Figures(), description="figures")

    @model_validator(mode="after")
    def _detectors(self):
        names = self.detector_names
        if len(set(names)) < len(names):
            raise ValueError("detectors: a name occurs twice; remove the repetition, or give one another name")
        if self.evaluation.shared_from not in names:
            raise ValueError(
                f"evaluation.shared_from: {self.evaluation.shared_from!r} is not among the detectors "
                f"({', '.join(names)}); choose one of them or add it to detectors"
            )
        return self

    @property
    def detector_names(self) -> list[str]:
        """The names of the detectors, in order."""
        return [chosen.name for chosen in self.detectors]

    def detectors_of(self, needs: str) -> dict[str, Chosen]:
        """The detectors that need the same: `waveform`, `frames`, `classifier` or `files`."""
        return {chosen.name: chosen for chosen in self.detectors if chosen.detector.needs == needs}

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

    def seeds_of(self, name: str) -> list[int]:
        """The seeds for which a detector has scores of its own; one without a model has only seed 0."""
        (chosen,) = (chosen for chosen in self.detectors if chosen.name == name)
        return self.training.seeds if chosen.detector.seeded else [0]
