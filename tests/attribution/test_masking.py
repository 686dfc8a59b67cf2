"""Masked clips through the body, against a pass for each of them, and against Captum."""

import numpy as np
import pytest
import torch
from captum.attr import KernelShap, Occlusion
from torch import nn

from igsed import detectors
from igsed.attribution.baselines import FILLERS
from igsed.attribution.masking import Masked, embeddings, generator
from igsed.classifier import Classifier
from igsed.perturbation import masks_of, scores_of
from igsed.perturbation.settings import Masking
from tests.toys import RATE, Toy

SAMPLES = 2 * RATE + 60
"""Twenty frames and a rest."""

SETTINGS = [
    ("occlusion", {}),
    ("occlusion", {"window": 0.5, "hop": 0.2, "filler": "silence"}),
    ("rise", {"masks": 20}),
    ("lime", {"masks": 20, "filler": "noise"}),
    ("kernel_shap", {"masks": 40}),
    ("forest", {"masks": 20, "trees": 3}),
]


@pytest.fixture
def waveform():
    return torch.randn(SAMPLES, generator=torch.Generator().manual_seed(4)) * 0.1


@pytest.fixture
def toy():
    head = nn.Linear(Toy.embedding, 3)
    random = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=random))
    return Classifier(Toy(), head.requires_grad_(False)).eval()


def masked_clips(waveform, masks, filler):
    """Clips (mask, samples), sample by sample; the rest belongs to the last frame."""
    other = FILLERS[filler](waveform, RATE)
    clips = torch.empty(len(masks), len(waveform))
    for row, mask in enumerate(masks.tolist()):
        for k in range(len(waveform)):
            share = mask[min(k // 100, len(mask) - 1)]
            clips[row, k] = waveform[k] * share + other[k] * (1 - share)
    return clips


def test_fillers_can_be_set():
    assert set(Masking.model_fields["filler"].annotation.__args__) == set(FILLERS)


@pytest.mark.parametrize("filler", FILLERS)
def test_embeddings_are_those_of_the_masked_clips(toy, waveform, filler):
    masks = np.random.default_rng(0).random((5, 20), np.float32)
    torch.manual_seed(2)
    clips = masked_clips(waveform, masks, filler)
    expected = torch.stack([toy(clip[None])[0] for clip in clips])
    for batch in (1, 3, 8):
        torch.manual_seed(2)
        found = toy.head(embeddings(toy.backbone, waveform, masks, filler, batch))
        torch.testing.assert_close(found, expected)


def test_the_whole_clip_is_kept_exactly(toy, waveform):
    found = embeddings(toy.backbone, waveform, np.ones((1, 20), np.float32), "quiet_second")
    assert torch.equal(toy.head(found), toy(waveform[None]))


@pytest.mark.parametrize(("name", "settings"), SETTINGS)
def test_scores_are_those_of_a_pass_for_each_mask_and_class(toy, waveform, name, settings):
    targets, method = [2, 0, 2], detectors.load(name, **settings)
    torch.manual_seed(3)
    found = method(toy, waveform, targets)
    torch.manual_seed(3)
    masks = masks_of(method.detector, method.settings, 20, generator())
    clips = masked_clips(waveform, masks, method.settings["filler"])
    for scores, target in zip(found, targets, strict=True):
        logits = np.array([[toy(clip[None])[0, target].item()] for clip in clips])
        logit = toy(waveform[None])[0, [target]].numpy()
        (expected,) = scores_of(method.detector, method.settings, masks, logits, logit)
        assert scores.shape == (20,)
        assert scores.dtype == torch.float32
        np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize(("name", "settings"), SETTINGS)
def test_scores_repeat_after_a_seed(toy, waveform, name, settings):
    method = detectors.load(name, **settings)
    first, again, other = (torch.manual_seed(seed) and method(toy, waveform, [1]) for seed in (7, 7, 8))
    assert torch.equal(first, again)
    assert torch.equal(first, other) == (name == "occlusion")


@pytest.mark.parametrize(("window", "hop"), [(0.3, 0.3), (0.5, 0.2), (0.3, 0.1), (0.7, 0.7), (0.1, 0.1)])
def test_occlusion_is_captums(toy, waveform, window, hop):
    clip, targets = waveform[:2000], [2, 0]
    filler = FILLERS["quiet_second"](clip, RATE)[None]
    expected = [
        Occlusion(toy).attribute(clip[None], (round(window * RATE),), round(hop * RATE), filler, target=target)
        for target in targets
    ]
    expected = torch.cat(expected).unflatten(-1, (20, 100))
    assert torch.equal(expected.amin(-1), expected.amax(-1))
    found = detectors.load("occlusion", window=window, hop=hop)(toy, clip, targets)
    torch.testing.assert_close(found, expected[..., 0], rtol=1e-4, atol=1e-6)


def test_kernel_shap_is_near_captums(toy, waveform):
    """Captum draws its coalitions, so it is near only."""
    clip = waveform[:2000]
    filler = FILLERS["quiet_second"](clip, RATE)[None]
    cell = torch.arange(2000)[None] // 500
    torch.manual_seed(0)
    drawn = KernelShap(toy).attribute(clip[None], filler, target=1, feature_mask=cell, n_samples=600)[0, ::500]
    found = detectors.load("kernel_shap", cell=0.5)(toy, clip, [1])[0].unflatten(0, (4, 5)).sum(1)
    assert (found - drawn).abs().sum() < 0.1 * drawn.abs().sum()


def test_a_clip_of_no_frame_has_no_scores(toy, waveform):
    for name, settings in SETTINGS:
        assert detectors.load(name, **settings)(toy, waveform[:99], [0, 1]).shape == (2, 0)


def test_own_functions_are_given_the_settings_that_they_name(toy, waveform):
    def half(count, generator, width):
        return np.full((width, count), 0.5, np.float32)

    def kept(masks, logits, logit, filler, **others):
        assert filler == "silence"
        assert others == {"width": 4}  # not "masks", which is given already
        return np.tile(logits.sum(0)[:, None] - logit[:, None], masks.shape[1])

    detector = detectors.OfMasks(name="o", title="O", score="s", masks=half, run=kept, count=lambda settings: 4)
    found = Masked(detector, {"width": 4, "masks": 9, "filler": "silence"})(toy, waveform, [1])
    expected = 4 * toy(waveform[None] / 2)[0, 1] - toy(waveform[None])[0, 1]
    torch.testing.assert_close(found, expected.expand(1, 20))
