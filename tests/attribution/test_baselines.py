"""What the baselines keep of a clip, and what not."""

import pytest
import torch

from igsed.attribution import baselines
from igsed.attribution.baselines import WAVEFORMS, drawn, percentile, phase, quiet_second, shuffled

RATE = 1000
CLIP = torch.randn(3456, generator=torch.Generator().manual_seed(0)) * torch.linspace(1, 0.1, 3456)


@pytest.mark.parametrize("samples", [1, 7, 99, 100, 1000, 1001, 3456])
@pytest.mark.parametrize("name", WAVEFORMS)
def test_any_length(name, samples):
    clip = CLIP[:samples].double()
    found = WAVEFORMS[name](clip, RATE)
    assert found.shape == clip.shape
    assert found.dtype == clip.dtype
    assert found.isfinite().all()
    assert torch.equal(WAVEFORMS[name](0 * clip, RATE), 0 * clip)
    assert torch.equal(clip, CLIP[:samples].double())


def test_quietest_second():
    clip = torch.ones(5000)
    clip[2300:3300] = torch.arange(1000) * 1e-4
    found = quiet_second(clip, RATE)
    assert torch.equal(found[:1000], clip[2300:3300])
    assert torch.equal(found[1000:2000], clip[2300:3300].flip(0))
    assert torch.equal(found[2000:3000], found[:1000])


def test_shuffled_keeps_pieces():
    torch.manual_seed(0)
    found = shuffled(CLIP, RATE)
    assert torch.equal(found[3400:], CLIP[3400:])
    assert not torch.equal(found, CLIP)
    pieces, before = (sound[:3400].reshape(34, 100) for sound in (found, CLIP))
    assert torch.equal(pieces.sort(0).values, before.sort(0).values)
    assert {tuple(piece.tolist()) for piece in pieces} == {tuple(piece.tolist()) for piece in before}


@pytest.mark.parametrize("samples", [3456, 3455])
def test_phases_alone_are_drawn(samples):
    clip = CLIP[:samples].double()
    torch.manual_seed(0)
    found = phase(clip, RATE)
    torch.testing.assert_close(torch.fft.rfft(found).abs(), torch.fft.rfft(clip).abs())
    assert abs(torch.corrcoef(torch.stack([found, clip]))[0, 1]) < 0.1
    first, last = (found[part].std() for part in (slice(0, 1000), slice(-1000, None)))
    assert 0.7 < first / last < 1.4 < clip[:1000].std() / clip[-1000:].std()


def test_percentile_of_each_band():
    spectrum = torch.rand(21, 3, generator=torch.Generator().manual_seed(0))
    found = percentile(spectrum, 10)
    assert found.shape == spectrum.shape
    for band in range(3):
        expected = sorted(spectrum[:, band].tolist())[2]
        assert found[:, band].tolist() == pytest.approx([expected] * 21)


def test_drawn_sounds():
    sounds = torch.arange(6.0)[:, None] + torch.linspace(0, 0.5, 10)
    torch.manual_seed(3)
    found = drawn(sounds, 4, 25)
    assert found.shape == (4, 25)
    chosen = [int(row[0]) for row in found]
    assert len(set(chosen)) == 4
    for row, sound in zip(found, sounds[chosen], strict=True):
        assert torch.equal(row, torch.cat([sound, sound, sound[:5]]))
    assert drawn(sounds, 9, 3).shape == (6, 3)
    assert not torch.equal(found, drawn(sounds, 4, 25))


def test_names_are_of_one_kind():
    names = [*WAVEFORMS, *baselines.SPECTRA, *baselines.SOUNDS]
    assert len(names) == len(set(names))
    assert set(baselines.FILLERS) == {"silence", "quiet_second", "noise"}
