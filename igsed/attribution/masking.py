"""What a classifier makes of a clip with parts of it replaced: masked clips through the frozen body.

A masked clip is waveform · m + filler · (1 − m) with the mask m of each frame of 100 ms held over the frame's samples;
a rest at the end that fills no frame belongs to the last one. Which masks there are, and what their logits say of the
frames, is `igsed.perturbation`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from igsed.attribution.baselines import FILLERS
from igsed.jobs.devices import within_memory
from igsed.perturbation import masks_of, scores_of
from igsed.pooling import pooled
from igsed.timeline import FRAME, frame_count

if TYPE_CHECKING:
    from igsed.detectors import OfMasks


@torch.no_grad()
def embeddings(backbone, waveform: Tensor, masks: np.ndarray, filler: str, batch: int = 8) -> Tensor:
    """Pooled embeddings of masked clips, from which the clip head makes logits.

    Parameters
    ----------
    backbone : igsed.backbones.Backbone
    waveform : torch.Tensor (samples,)
        At the backbone's rate, at least one frame.
    masks : numpy.ndarray (mask, frame)
        How much of each frame is kept, 0…1.
    filler : str
        A key of `igsed.attribution.baselines.FILLERS`.
    batch : int
        Masked clips in a pass; fewer where memory does not suffice.

    Returns
    -------
    torch.Tensor (mask, embedding)
        On the waveform's device.

    Raises
    ------
    InputError
        Memory does not suffice for one.
    """
    other = FILLERS[filler](waveform, backbone.sample_rate)
    frame = torch.arange(len(waveform), device=waveform.device) // round(FRAME * backbone.sample_rate)
    frame = frame.clamp(max=masks.shape[1] - 1)
    kept = torch.from_numpy(masks).to(waveform)

    def embedded(part: Tensor) -> Tensor:
        share = part[:, frame]
        clips = waveform * share + other * (1 - share)
        return backbone.project(pooled(backbone.body(backbone.spectrum(clips))))

    return within_memory(lambda size: torch.cat([embedded(part) for part in kept.split(size)]), batch)[0]


def generator() -> np.random.Generator:
    """A generator of numpy's whose seed is drawn from torch's."""
    return np.random.default_rng(int(torch.randint(2**63 - 1, ())))


class Masked:
    """A detector of masked clips as a method of one clip.

    Masks, and a filler of noise, come from torch's generator of random numbers.

    Parameters
    ----------
    detector : igsed.detectors.OfMasks
    settings : mapping
        All of its settings.
    """

    def __init__(self, detector: OfMasks, settings: Mapping[str, Any]):
        self.detector, self.settings = detector, settings

    @torch.no_grad()
    def __call__(self, classifier, waveform: Tensor, targets: Sequence[int]) -> Tensor:
        """Frame scores (target, frame), float32, of one clip, `waveform` (samples,)."""
        count = frame_count(len(waveform) / classifier.sample_rate)
        if not count:
            return torch.zeros(len(targets), 0)
        masks = masks_of(self.detector, self.settings, count, generator())
        embedded = embeddings(classifier.backbone, waveform, masks, self.settings["filler"])
        logits, logit = (
            part[..., list(targets)].cpu().numpy()
            for part in (classifier.head(embedded), classifier(waveform[None])[0])
        )
        return torch.from_numpy(scores_of(self.detector, self.settings, masks, logits, logit)).float()
