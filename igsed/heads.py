"""Linear heads on the frozen body: training and inference.

After arXiv:2605.23293: the clip head is a linear layer on the pooled embedding, trained with binary cross-entropy on
clip labels. FW-WS and FW-SS are linear layers on each frame's embedding; FW-WS takes the maximum over frames, or
another pooling, as clip score and is trained on clip labels, FW-SS is trained on frame labels. Adam, early stopping on
the validation loss; the weights of the best epoch are kept.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from igsed.errors import InputError


class Stored:
    """Rows of the array in a `.npy` file, read when they are asked for; of some rows alone where `rows` names them.

    The file is mapped anew each time: what was read through a map is the process's memory while the map lasts.
    """

    def __init__(self, path: str | Path, rows: np.ndarray | None = None):
        self._path, self._rows = path, rows
        shape = np.load(path, mmap_mode="r").shape
        self.shape = shape if rows is None else (len(rows), *shape[1:])

    def __getitem__(self, rows) -> np.ndarray:
        return np.array(np.load(self._path, mmap_mode="r")[rows if self._rows is None else self._rows[rows]])


class Joined:
    """Rows of several arrays as if they stood below each other, read when they are asked for."""

    def __init__(self, parts: Sequence[Stored | np.ndarray]):
        self._parts, self._ends = parts, np.cumsum([part.shape[0] for part in parts])
        self.shape = (int(self._ends[-1]), *parts[0].shape[1:])

    def __getitem__(self, rows) -> np.ndarray:
        rows = np.arange(self.shape[0])[rows]
        owners = np.searchsorted(self._ends, rows, side="right")
        found = np.empty((len(rows), *self.shape[1:]), np.float32)
        for place, part in enumerate(self._parts):
            own = owners == place
            found[own] = part[rows[own] - (self._ends[place] - part.shape[0])]
        return found


class Settings(NamedTuple):
    """How heads are trained; the fields are those of the configuration's section `training` but `seeds`."""

    learning_rate: float
    batch_size: int
    max_epochs: int
    patience: int


class Trained(NamedTuple):
    """A trained head: `weight` (output, embedding), `bias` (output,), and the losses per epoch.

    The outputs are those of the classes, in order; where there are several per class, then the second ones of each.
    """

    weight: np.ndarray
    bias: np.ndarray
    curve: pd.DataFrame


def four_fifths(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Which clips of a split to learn from and which to stop by, where there is no other split for it.

    Parameters
    ----------
    count : int
        Clips of the split.
    seed : int
        Of the draw; another one draws other clips.

    Returns
    -------
    training, validation : numpy.ndarray of int
        Rows, ascending: four in five, and the fifth of them (`count` / 5, rounded, but at least one).

    Raises
    ------
    InputError
        There are not two clips.
    """
    if count < 2:
        raise InputError(
            f"the validation split has {count} clip{'s' * (count != 1)}; a detector that learns from it needs at least "
            "2. Ask for more (mixtures.clips.validation), or leave the detector out."
        )
    order = np.random.default_rng(seed).permutation(count)
    held = max(1, round(count / 5))
    return np.sort(order[held:]), np.sort(order[:held])


def as_long(settings: Settings, clips: int, others: int) -> Settings:
    """Settings under which `clips` clips may be learnt from for as many steps as `others` clips.

    An epoch of few clips has few steps: with as many epochs, a head that learns from few clips would be stopped before
    it has learnt them. Epochs and patience are multiplied by the ratio of the numbers of batches.

    Examples
    --------
    >>> as_long(Settings(1e-3, 16, 100, 10), 16, 400)
    Settings(learning_rate=0.001, batch_size=16, max_epochs=2500, patience=250)
    """
    few, many = (-(-count // settings.batch_size) for count in (clips, others))
    ratio = max(1.0, many / few)
    return settings._replace(max_epochs=round(settings.max_epochs * ratio), patience=round(settings.patience * ratio))


def train(
    features: np.ndarray | Stored | Joined,
    targets: np.ndarray,
    validation_features: np.ndarray | Stored | Joined,
    validation_targets: np.ndarray,
    seed: int,
    settings: Settings,
    pool: Callable[[torch.Tensor], torch.Tensor] | None = None,
    outputs: int = 1,
) -> Trained:
    """Train a linear head with early stopping.

    The shapes say which model it is:

    ======== =========================== =======================
    model    features                    targets
    ======== =========================== =======================
    clip     (clip, embedding)           (clip, class)
    FW-WS    (clip, frame, embedding)    (clip, class)
    FW-SS    (clip, frame, embedding)    (clip, frame, class)
    ======== =========================== =======================

    Of features in a file (`Stored`) only a batch is held in memory. `seed` sets the initial weights and the order of
    clips. `pool` makes clip logits of frame logits, (…, frame, output) → (…, class), where frames learn from clip
    labels (see `igsed.detectors.OfFrames`); `outputs` is how many the head has per class. The result depends on
    `torch.get_num_threads()` only through rounding.

    Raises
    ------
    InputError
        The loss on validation is not a number from the first epoch on.
    """
    generator = torch.Generator().manual_seed(seed)
    head = nn.Linear(features.shape[-1], outputs * targets.shape[-1])
    bound = features.shape[-1] ** -0.5
    with torch.no_grad():
        head.weight.uniform_(-bound, bound, generator=generator)
        head.bias.zero_()
    optimiser = torch.optim.Adam(head.parameters(), lr=settings.learning_rate)

    def loss(inputs, wanted, rows) -> torch.Tensor:
        logits = head(torch.from_numpy(np.array(inputs[rows])))
        wanted = torch.from_numpy(np.array(wanted[rows])).float()
        logits = pool(logits) if pool and logits.ndim > wanted.ndim else logits[..., : wanted.shape[-1]]
        return binary_cross_entropy_with_logits(logits, wanted)

    def mean_loss(inputs, wanted) -> float:
        with torch.no_grad():
            sizes = [slice(k, min(k + 256, len(wanted))) for k in range(0, len(wanted), 256)]
            return sum(loss(inputs, wanted, s).item() * (s.stop - s.start) for s in sizes) / len(wanted)

    best: tuple[np.ndarray, np.ndarray] | None = None
    best_epoch, best_loss, curve = 0, np.inf, []
    for epoch in range(1, settings.max_epochs + 1):
        total = 0.0
        order = torch.randperm(len(targets), generator=generator).numpy()
        for start in range(0, len(order), settings.batch_size):
            rows = np.sort(order[start : start + settings.batch_size])
            optimiser.zero_grad()
            value = loss(features, targets, rows)
            value.backward()
            optimiser.step()
            total += value.item() * len(rows)
        curve.append((epoch, total / len(targets), mean_loss(validation_features, validation_targets)))
        if curve[-1][2] < best_loss:
            best = head.weight.detach().clone().numpy(), head.bias.detach().clone().numpy()
            best_epoch, best_loss = epoch, curve[-1][2]
        elif epoch - best_epoch >= settings.patience:
            break
    if best is None:
        raise InputError(
            "training.learning_rate: training diverges, the validation loss is no number. Lower learning_rate."
        )
    return Trained(*best, pd.DataFrame(curve, columns=["epoch", "train_loss", "validation_loss"]))
