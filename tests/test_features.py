"""The cached output of the frozen body is what the classifier computes."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from igsed import features
from igsed.classifier import Classifier
from igsed.errors import InputError
from tests.disks import disk
from tests.toys import RATE, Toy, recording


@pytest.fixture
def clips(tmp_path):
    return [recording(tmp_path / f"{k}.wav", seconds=2, rate=RATE, seed=k) for k in range(5)]


def extracted(backbone, paths, folder, **options):
    times = features.extract(backbone, paths, folder / "frames.npy", folder / "clips.npy", **options)
    return times, np.load(folder / "frames.npy"), np.load(folder / "clips.npy")


def test_heads_on_features_are_the_classifier(clips, tmp_path):
    toy = Toy()
    times, frames, pooled = extracted(toy, clips, tmp_path, batch=2)
    assert times.tolist() == [0.125 + 0.25 * k for k in range(8)]
    assert (frames.shape, pooled.shape) == ((5, 8, 3), (5, 3))
    assert (frames.dtype, pooled.dtype) == (np.float32, np.float32)
    head = torch.nn.Linear(3, 2)
    classifier = Classifier(toy, head)
    weight, bias = head.weight.detach().numpy(), head.bias.detach().numpy()
    waveforms = torch.stack([features.waveform(path, RATE) for path in clips])
    with torch.no_grad():
        np.testing.assert_allclose(pooled @ weight.T + bias, classifier(waveforms), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(frames @ weight.T + bias, classifier.frames(waveforms), rtol=1e-5, atol=1e-6)


def test_result_does_not_depend_on_the_batch(clips, tmp_path):
    _, frames, pooled = extracted(Toy(), clips, tmp_path, batch=1)
    for batch in (2, 5, 8):
        _, *others = extracted(Toy(), clips, tmp_path, batch=batch)
        np.testing.assert_allclose(others[0], frames, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(others[1], pooled, rtol=1e-5, atol=1e-7)


def test_progress_sees_every_batch(clips, tmp_path):
    seen = []
    extracted(Toy(), clips, tmp_path, batch=2, progress=lambda batches: (seen.append(b) or b for b in batches))
    assert seen == [0, 2, 4]


@pytest.mark.parametrize("place", [1, 4])
def test_clip_of_another_length_is_named(clips, tmp_path, place):
    recording(clips[place], seconds=1.5, rate=RATE)
    with pytest.raises(InputError, match=rf"{place}\.wav: has 1500 samples where the clips before it have 2000"):
        extracted(Toy(), clips, tmp_path, batch=2)


def test_waveform_is_resampled(tmp_path):
    rate, seconds = 32000, 1
    time = np.arange(rate * seconds) / rate
    path = tmp_path / "tone.wav"
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * 440 * time), rate, subtype="FLOAT")
    found = features.waveform(path, 16000)
    assert (found.dtype, found.shape) == (torch.float32, (16000,))
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    np.testing.assert_allclose(found[200:-200], expected[200:-200], atol=2e-3)
    np.testing.assert_array_equal(features.waveform(path, rate).numpy(), soundfile.read(path, dtype="float32")[0])


def test_a_full_disk_is_an_error_and_not_the_end_of_the_process(clips, tmp_path):
    script = f"""
from toys import Toy
from igsed import features
features.extract(Toy(), {[str(clip) for clip in clips] * 60}, "disk/frames.npy", "disk/clips.npy")
"""
    here = Path(__file__).parent
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(here), str(here.parent)])}
    with disk(tmp_path / "disk", "16k"):
        command = [sys.executable, "-c", script]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
