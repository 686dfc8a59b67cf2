"""Frame scores of samples and spectra, against sums in a loop."""

import pytest
import torch

from igsed.attribution import frame_scores
from igsed.attribution.frames import of_samples, of_spectrum
from igsed.timeline import FRAME


def brute(values, count, duration):
    share, out = duration / len(values), []
    for frame in range(count):
        begin, end = frame * FRAME, (frame + 1) * FRAME
        weights = [max(0, min((t + 1) * share, end) - max(t * share, begin)) for t in range(len(values))]
        out.append(sum(w * v for w, v in zip(weights, values.tolist(), strict=True)) / sum(weights))
    return torch.tensor(out)


@pytest.mark.parametrize(
    ("spectra", "count", "duration"), [(998, 100, 10.0), (1001, 100, 10.0), (7, 19, 1.99), (1, 3, 0.3)]
)
def test_spectra_weigh_as_they_overlap(spectra, count, duration):
    attributions = torch.randn(2, spectra, 3, generator=torch.Generator().manual_seed(0))
    found = of_spectrum(attributions, count, duration)
    assert found.shape == (2, count)
    torch.testing.assert_close(found[1], brute(attributions[1].abs().mean(-1), count, duration), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("spectra", "first", "window"), [(998, 0.0125, 0.025), (1001, 0.0, 0.032)])
def test_shares_lie_where_spectra_do(spectra, first, window):
    middles = (torch.arange(spectra) + 0.5) * 10 / spectra
    assert (middles - first - 0.01 * torch.arange(spectra)).abs().max() <= window / 2


def test_constants_stay():
    torch.testing.assert_close(of_spectrum(torch.full((50, 2), 3.0), 13, 1.31), torch.full((13,), 3.0))


def test_no_frames():
    assert of_spectrum(torch.ones(2, 3, 4), 0, 0.05).shape == (2, 0)
    assert of_samples(torch.ones(2, 50), 1000).shape == (2, 0)


def test_signs():
    attributions = torch.tensor([1.0, -3.0])
    for sign, expected in {"absolute": 2.0, "positive": 0.5, "signed": -1.0}.items():
        assert of_spectrum(attributions[None], 1, 0.1, sign).item() == expected
        assert of_samples(attributions, 20, sign).item() == expected


def test_samples_as_the_paper_has_them():
    attributions = torch.randn(3, 1234, generator=torch.Generator().manual_seed(0))
    assert torch.equal(of_samples(attributions, 1000), frame_scores(attributions, 1000))
