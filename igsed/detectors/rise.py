"""RISE: the classifier's mean probability over random masks that keep a frame."""

from igsed.detectors import OfMasks
from igsed.perturbation.settings import RandomCells


class Settings(RandomCells):
    """RISE: cells are removed at random, and a frame's score is the mean probability where it was kept."""


DETECTOR = OfMasks(
    name="rise",
    title="RISE",
    citation="Petsiuk, Das and Saenko 2018, RISE: Randomized input sampling for explanation of black-box models",
    settings=Settings,
    masks="igsed.perturbation.masks:cells",
    run="igsed.perturbation.scoring:rise",
    count=lambda settings: settings["masks"],
    score="mean probability when kept",
)
