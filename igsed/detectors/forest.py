"""A random forest of what the classifier makes of random parts of the clip, as explain_where has it."""

from pydantic import Field

from igsed.detectors import OfMasks
from igsed.perturbation.settings import RandomCells
from igsed.settings import Count


class Settings(RandomCells):
    """Random forest: cells are removed at random, and a forest that predicts the logits says which cells matter."""

    trees: Count = Field(100, description="trees of the forest")


DETECTOR = OfMasks(
    name="forest",
    title="Random forest",
    citation="Bolaños, Pepino, Meza and Ferrer 2025, Benchmarking time-localized explanations for audio classification "
    "models",
    settings=Settings,
    masks="igsed.perturbation.masks:cells",
    run="igsed.perturbation.scoring:forest",
    count=lambda settings: settings["masks"],
    score="importance, without sign",
)
