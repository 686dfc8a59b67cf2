"""A synthetic signal, and how TensorFlow's answers to it in ``yamnet_reference.npz`` were made.

The file was written by this program under TensorFlow 2.21 from the verified files of
`igsed.backbones.yamnet.weights.fetch`, the only place where TensorFlow is needed; the tests only import ``signal``::

    python tests/backbones/yamnet_reference.py FOLDER_OF_THE_SAVED_MODEL

- ``scores`` (patch, 521), ``log_mel`` (spectrum, 64): the published graph itself, on the first six patches (15600
  samples every 7680); every fifth log-mel spectrum of them.
- ``frames_<samples>`` (frame, 64): every 16th channel after the last convolution over the whole of so many samples, a
  length that the published graph cannot take: its layers rebuilt from ``tf.nn`` with SAME padding and its variables.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_suffix(".npz")
LENGTHS = (160000, 51000, 34567, 16000, 1600)
STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
PATCH, PATCH_HOP, PATCHES = 15600, 7680, 6


def signal() -> np.ndarray:
    """Ten seconds at 16 kHz: a rising tone, harmonics in bursts, noise bursts and a silence; shape (160000,)."""
    time = np.arange(160000) / 16000
    chirp = 0.2 * np.sin(2 * np.pi * (200 * time + 150 * time**2)) * (time < 6)
    harmonics = sum(np.sin(2 * np.pi * 440 * k * time) / k for k in range(1, 8)) * 0.1 * ((3 * time) % 1 < 0.4)
    noise = np.random.RandomState(7).standard_normal(160000) * 0.1 * np.maximum(0, np.sin(2 * np.pi * 0.8 * time)) ** 4
    return ((chirp + harmonics + noise) * (np.abs(time - 8) > 0.5)).astype(np.float32)


def main(saved_model: str) -> None:
    import tensorflow as tf

    checkpoint = tf.train.load_checkpoint(f"{saved_model}/variables/variables")
    variables = {
        key.split("_yamnet/")[1].removesuffix("/.ATTRIBUTES/VARIABLE_VALUE"): checkpoint.get_tensor(key)
        for key in checkpoint.get_variable_to_shape_map()
        if "_yamnet/" in key
    }

    def normalise(maps: tf.Tensor, layer: int) -> tf.Tensor:
        beta, mean, variance = (
            variables[f"layer_with_weights-{layer}/{name}"] for name in ("beta", "moving_mean", "moving_variance")
        )
        return tf.nn.relu(tf.nn.batch_normalization(maps, mean, variance, beta, None, 1e-4))

    def frames(log_mel: tf.Tensor) -> np.ndarray:
        maps = tf.nn.conv2d(log_mel[None, ..., None], variables["layer_with_weights-0/kernel"], 2, "SAME")
        maps = normalise(maps, 1)
        for block, stride in enumerate(STRIDES):
            depthwise = variables[f"layer_with_weights-{2 + 4 * block}/depthwise_kernel"]
            maps = tf.nn.depthwise_conv2d(maps, depthwise, (1, stride, stride, 1), "SAME")
            maps = normalise(maps, 3 + 4 * block)
            maps = tf.nn.conv2d(maps, variables[f"layer_with_weights-{4 + 4 * block}/kernel"], 1, "SAME")
            maps = normalise(maps, 5 + 4 * block)
        return tf.reduce_mean(maps, 2).numpy()[0, :, ::16]

    def log_mel(waveform: np.ndarray) -> tf.Tensor:
        magnitude = tf.abs(tf.signal.stft(waveform, 400, 160, 512))
        return tf.math.log(magnitude @ tf.signal.linear_to_mel_weight_matrix(64, 257, 16000, 125.0, 7500.0) + 0.001)

    model = tf.saved_model.load(saved_model)
    published = model if hasattr(model, "_yamnet") else getattr(model, "layer-1").layer._func
    whole = signal()
    scores, _, spectra = published(whole[: PATCH + (PATCHES - 1) * PATCH_HOP])
    arrays = {f"frames_{length}": frames(log_mel(whole[:length])) for length in LENGTHS}
    arrays |= {"scores": scores.numpy()[:PATCHES], "log_mel": spectra.numpy()[::5]}
    np.savez_compressed(FILE, **arrays)
    for name, array in arrays.items():
        print(name, array.shape, array.dtype)


if __name__ == "__main__":
    main(sys.argv[1])
