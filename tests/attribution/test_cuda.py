"""Every attribution method gives the same scores on a GPU as on a processor."""

import pytest
import torch

from igsed import attribution, conformance, detectors
from igsed.detectors import DETECTORS, OfClassifier, OfMasks

METHODS = [name for name, found in DETECTORS.built_in.items() if isinstance(found, OfClassifier | OfMasks)]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("name", METHODS)
def test_a_gpu_and_a_processor_agree(name):
    method, found = detectors.load(name), []
    for device in ("cpu", "cuda"):
        torch.manual_seed(0)
        classifier, clip = conformance._classifier().to(device), conformance._clip().to(device)
        found.append(attribution.explain(method, classifier, clip, [2, 0]).scores)
    distance = (found[0] - found[1]).abs().sum() / found[0].abs().sum()
    assert distance < 1e-3
