"""What can be asked of any detector besides its method: controls that it should fail, smoothing, contrast.

A random head or a body with shuffled weights knows nothing of the classes: what a method still says with it, it does
not have from the classifier (J. Adebayo et al., "Sanity Checks for Saliency Maps", arXiv:1810.03292). The scores of a
class that is not in the clip say what a method takes from the sound alone.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from igsed import seeds, variants
from igsed.predictions import Wanted


class Options(NamedTuple):
    """What an experiment asks of a detector; the fields are keys of `igsed.config.detectors.Chosen`."""

    control: str | None = None
    smooth: float = 0.0
    contrast: bool = False

    @property
    def of_predictions(self) -> bool:
        """Whether only the scored classes of a clip have scores, since these depend on which they are."""
        return self.contrast or self.control == "wrong_class"


def random_head(classes: int, embedding: int, seed: int) -> dict[str, np.ndarray]:
    """A head that has learnt nothing, as training begins with it: `weight` (class, embedding), `bias` (class,)."""
    bound = embedding**-0.5
    weight = seeds.generator(seed, "random head").uniform(-bound, bound, (classes, embedding))
    return {"weight": weight.astype(np.float32), "bias": np.zeros(classes, np.float32)}


def head_of(trained: Mapping[str, Any], classes: int, options: Options, root: int, seed: int) -> Mapping[str, Any]:
    """The head that a detector looks at: the trained one, or for the control of that name a random one of its shape.

    Parameters
    ----------
    trained : mapping
        `weight` (output, embedding), `bias` (output,), arrays or tensors.
    classes : int
        Outputs of a random head.
    root, seed : int
        The experiment's seed and that of the model: each model has a random head of its own.
    """
    if options.control != "random_head":
        return trained
    return random_head(classes, trained["weight"].shape[1], seeds.integer(root, "control", seed))


def shuffle(network: Any, seed: int) -> Any:
    """Permute the numbers of each of a network's parameters, in place; its buffers, such as a front end, stay.

    Shuffled weights keep their distribution, so that activations keep about their size, which new random weights
    do not through thirty layers.

    Parameters
    ----------
    network : torch.nn.Module
        None of its parameters requires a gradient.
    """
    for name, parameter in network.named_parameters():
        order = seeds.generator(seed, "random body", name).permutation(parameter.numel())
        parameter.copy_(parameter.flatten()[order].view(parameter.shape))
    return network


def asked(targets: Sequence[int], there: Sequence[int], classes: int, options: Options, seed: int, clip: str):
    """The classes whose scores stand for those of `targets`: themselves, or for the control others not in the clip.

    Parameters
    ----------
    targets : sequence of int
        The scored classes.
    there : sequence of int
        The classes that are predicted or present in the clip.
    classes : int
        How many classes there are.
    """
    if options.control != "wrong_class":
        return targets
    return variants.wrong_class(list(targets), there, classes, seeds.generator(seed, "wrong class", clip))


def chooser(
    predictions: Sequence[str], labels: Sequence[str], all_present: bool, options: Options, seed: int
) -> Callable[[str], tuple[Sequence[str], Sequence[int]]]:
    """For detectors that score every class: the labels of a clip that are scored, and whose rows stand for them.

    Parameters
    ----------
    predictions : sequence of path
        The file of predictions (`igsed.predictions`), where the scores depend on it; else empty.
    """
    if not options.of_predictions:
        return lambda clip: (labels, range(len(labels)))
    wanted = Wanted(pd.read_csv(predictions[0]), labels, all_present)

    def choose(clip: str) -> tuple[Sequence[str], Sequence[int]]:
        targets = wanted.targets(clip)
        return [labels[k] for k in targets], asked(targets, wanted.there(clip), len(labels), options, seed, clip)

    return choose


def finished(scores: np.ndarray, options: Options) -> np.ndarray:
    """Scores (target, frame) of a clip's scored classes, contrasted and smoothed as asked."""
    scores = variants.contrast(scores) if options.contrast else scores
    return variants.smooth(scores, options.smooth) if options.smooth else scores
