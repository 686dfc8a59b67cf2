"""Framewise logits on the evaluation grid; that they are the classifier's is tested in test_heads.py."""

import numpy as np
import pytest

from igsed.detectors import framewise

TIMES = 0.16 + 0.32 * np.arange(31)


@pytest.mark.parametrize("rule", ["linear", "nearest"])
def test_scores_by_hand(rule):
    rng = np.random.default_rng(0)
    frames, weight, bias = rng.normal(size=(31, 5)), rng.normal(size=(2, 5)), rng.normal(size=2)
    found = framewise.scores(frames, weight, bias, TIMES, 100, rule)
    assert found.shape == (2, 100)
    for label in range(2):
        logits = [sum(frame * weight[label]) + bias[label] for frame in frames]
        for k, centre in enumerate(0.05 + 0.1 * np.arange(100)):
            near = np.abs(TIMES - centre)
            expected = logits[near.argmin()] if rule == "nearest" else np.interp(centre, TIMES, logits)
            assert found[label, k] == pytest.approx(expected) or (near == near.min()).sum() > 1


def test_scores_of_several_clips_are_those_of_each():
    rng = np.random.default_rng(1)
    frames, weight, bias = rng.normal(size=(3, 31, 5)), rng.normal(size=(2, 5)), rng.normal(size=2)
    found = framewise.scores(frames, weight, bias, TIMES, 100, "linear")
    for clip in range(3):
        np.testing.assert_allclose(found[clip], framewise.scores(frames[clip], weight, bias, TIMES, 100, "linear"))


def test_only_the_first_outputs_are_scores():
    rng = np.random.default_rng(3)
    frames, weight, bias = rng.normal(size=(31, 5)), rng.normal(size=(4, 5)), rng.normal(size=4)
    found = framewise.scores(frames, weight, bias, TIMES, 100, "linear", classes=2)
    np.testing.assert_array_equal(found, framewise.scores(frames, weight[:2], bias[:2], TIMES, 100, "linear"))
    assert len(framewise.scores(frames, weight, bias, TIMES, 100, "linear")) == 4


def test_memory_mapped_features(tmp_path):
    frames = np.random.default_rng(2).normal(size=(2, 31, 5)).astype(np.float32)
    np.save(tmp_path / "frames.npy", frames)
    mapped = np.load(tmp_path / "frames.npy", mmap_mode="r")
    found = framewise.scores(mapped[1], np.eye(5), np.zeros(5), TIMES, 100, "nearest")
    np.testing.assert_array_equal(found, framewise.scores(frames[1], np.eye(5), np.zeros(5), TIMES, 100, "nearest"))
    assert type(found) is np.ndarray
