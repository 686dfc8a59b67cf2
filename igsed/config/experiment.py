"""A whole configuration."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from igsed import LABELS, backbones, recordings, soundbanks
from igsed.config.choice import Choice
from igsed.config.detectors import Chosen, resolved
from igsed.config.evaluation import Evaluation, Figures
from igsed.config.mixtures import Mixtures
from igsed.config.results_page import ResultsPage
from igsed.config.training import Training
from igsed.detectors import OfClassifier, OfMasks
from igsed.errors import suggestion
from igsed.settings import Count, Section

_JOB = 600.0
"""Seconds that a job with several clips should take, many times its start."""

_BACKWARD = 2.0
"""What a backward pass costs, in forward passes."""

_GPU = 20.0
"""How much faster a pass is on a GPU: a guess, since none has been measured."""

OTHER = "clip_other_levels"
"""The clip classifier that learns from the clips of `training.levels` where the other does not, or the reverse."""

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
    clips_per_job: Literal["auto"] | Count = Field(
        "auto",
        description="clips that a job explains, or masks; `auto`: as many as take about ten minutes, by the passes "
        "that the method declares",
    )
    backbone: Annotated[Any, BACKBONE] = Field(BACKBONE.default("yamnet"), description="frozen, pretrained network")
    training: Training = Field(Training(), description="heads")
    detectors: Annotated[list[Chosen], Field(min_length=1)] = Field(
        [Chosen.model_validate(name) for name in ("ig", "fw_ws", "fw_ss", "random", "energy")],
        description="what is compared: names, or mappings `{name: …, method: …, <settings of the method>}`",
    )
    evaluation: Evaluation = Field(Evaluation(), description="thresholds, metrics, intervals")
    figures: Figures = Field(Figures(), description="figures")
    page: ResultsPage = Field(ResultsPage(), description="the page of results, `index.html`")

    @model_validator(mode="before")
    @classmethod
    def _resolved(cls, values):
        if isinstance(values, dict) and isinstance(values.get("detectors"), list):
            return values | {"detectors": resolved(values["detectors"])}
        return values

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
        if unknown := [name for name in self.figures.detectors or [] if name not in names]:
            raise ValueError(
                f"figures.detectors: {unknown[0]!r} is not among the detectors{suggestion(unknown[0], names)}; correct "
                "the name"
            )
        for chosen in self.detectors:
            if chosen.levels is not None and self.training.levels is None:
                raise ValueError(f"detectors: {chosen.name}: levels: there are no training.levels; leave it out")
        return self

    @property
    def controls(self) -> list[str]:
        """The detectors that others are compared with: controls, those without a model, and the few-shot one."""
        return [chosen.name for chosen in self.detectors if chosen.is_control]

    @property
    def explanations(self) -> list[str]:
        """The detectors that explain the clip classifier, without the controls among them."""
        explains = {
            chosen.name: chosen.detector.needs in ("classifier", "masks")
            or getattr(chosen.detector, "learns_from", None) == ""
            for chosen in self.detectors
        }
        return [chosen.name for chosen in self.detectors if explains[chosen.name] and not chosen.is_control]

    @property
    def ranked(self) -> list[str]:
        """The detectors that are ranked: all but those that know the truth."""
        return [chosen.name for chosen in self.detectors if chosen.detector.needs != "events"]

    @property
    def passes(self) -> dict[str, tuple[float, float]]:
        """Forward passes per clip and backward passes per class of the detectors that need any."""
        found: dict[str, tuple[float, float]] = {}
        for chosen in self.detectors:
            if isinstance(chosen.detector, OfMasks):
                found[chosen.name] = (float(chosen.detector.count(chosen.settings)), 0.0)
            elif isinstance(chosen.detector, OfClassifier):
                forward, backward = chosen.detector.passes(chosen.settings)
                found[chosen.name] = (float(forward), float(backward))
            elif chosen.detector.needs == "frames":
                found[chosen.name] = (1.0, 0.0)
        return found

    @property
    def drawn(self) -> list[str]:
        """The detectors that figures show, in order; and the one that clips are chosen by."""
        wanted = {*(self.figures.detectors or self.detector_names), self.evaluation.shared_from}
        return [name for name in self.detector_names if name in wanted]

    @property
    def detector_names(self) -> list[str]:
        """The names of the detectors, in order."""
        return [chosen.name for chosen in self.detectors]

    def detectors_of(self, needs: str) -> dict[str, Chosen]:
        """The detectors that need the same: `waveform`, `events`, `frames`, `classifier`, `masks` or `files`."""
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

    def chosen(self, name: str) -> Chosen:
        """The detector with a name."""
        (chosen,) = (chosen for chosen in self.detectors if chosen.name == name)
        return chosen

    def seeds_of(self, name: str) -> list[int]:
        """The seeds for which a detector has scores of its own; one without a model has only seed 0."""
        return self.training.seeds if self.chosen(name).seeded else [0]

    def source_of(self, name: str) -> str:
        """The detector whose scores, before they are smoothed or contrasted, are this one's: the first of these."""
        source = self.chosen(name).source
        return next(chosen.name for chosen in self.detectors if chosen.source == source)

    def masks_of(self, name: str) -> str:
        """The detector whose embeddings of masked clips are this one's: the first of those that can share them."""
        masks = self.chosen(name).masks
        return next(chosen.name for chosen in self.detectors_of("masks").values() if chosen.masks == masks)

    def sounds_of(self, name: str) -> str:
        """Which sounds of training clips an attribution method takes; "" for none."""
        chosen = self.chosen(name)
        return chosen.detector.sounds(chosen.settings) if isinstance(chosen.detector, OfClassifier) else ""

    def model_of(self, name: str) -> str:
        """The model that a detector looks at: the clip classifier, the one of `OTHER`, or one of its own."""
        chosen = self.chosen(name)
        if getattr(chosen.detector, "learns_from", ""):
            return next(other.name for other in self.detectors if other.model == chosen.model)
        return "clip" if self.with_levels(chosen) == self.with_levels() else OTHER

    def with_levels(self, chosen: Chosen | None = None) -> bool:
        """Whether a detector's model, or else the clip classifier, learns from the clips of `training.levels`."""
        levels = self.training.levels
        if levels is None or (chosen and getattr(chosen.detector, "trained_on", "train") != "train"):
            return False
        return levels.all if chosen is None or chosen.levels is None else chosen.levels

    @property
    def models(self) -> dict[str, Chosen | None]:
        """The models that are trained, with the framewise detectors whose own they are; None for the clip heads."""
        models: dict[str, Chosen | None] = {"clip": None}
        for chosen in self.detectors:
            if chosen.detector.needs in ("frames", "classifier", "masks"):
                model = self.model_of(chosen.name)
                models.setdefault(model, None if model == OTHER else chosen)
        return models

    def clips_of_job(self, name: str, gpu: bool = False) -> int:
        """Clips that a job of a detector explains, or masks (`clips_per_job`)."""
        if self.clips_per_job != "auto":
            return self.clips_per_job
        chosen, passes = self.chosen(name), 0.0
        if isinstance(chosen.detector, OfMasks):
            passes = chosen.detector.count(chosen.settings)
        elif isinstance(chosen.detector, OfClassifier):
            forward, backward = chosen.detector.passes(chosen.settings)
            passes = forward + _BACKWARD * backward * max(self.mixtures.numbers_of_events("test"))
        seconds = passes * self.backbone.component.seconds * self.mixtures.duration / 10
        return max(1, round(_JOB * (_GPU if gpu else 1) / max(seconds, 1e-9)))
