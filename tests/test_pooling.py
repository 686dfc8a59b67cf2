"""Pooling over frames."""

import torch

from igsed.pooling import pooled


def test_maximum_and_mean_are_added():
    frames = torch.tensor([[[1.0, -4.0], [3.0, -2.0]]])
    assert pooled(frames).tolist() == [[3 + 2, -2 - 3]]
    assert pooled(frames, lambda frames: frames[:, 0]).tolist() == [[1 + 2, -4 - 3]]
