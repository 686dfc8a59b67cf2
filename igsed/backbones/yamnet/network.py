"""YAMNet: MobileNet v1 on log-mel spectra, pretrained on AudioSet (521 classes).

The published network looks at patches of 0.96 s. It is fully convolutional, so here it runs over whole clips:
160 000 samples at 16 kHz give 998 spectra and 32 frames of 0.32 s. On one patch both give the same scores.

Conventions: tensors of the network's inside are (batch, channel, time, frequency); batch normalisation is folded into
the convolutions, which is exact because the network is frozen; every activation is a `torch.nn.ReLU` of its own and
every convolution a plain `torch.nn.Conv2d`, as Captum's DeepLift and LRP need it.

Source: tensorflow/models, research/audioset/yamnet (``features.py``, ``yamnet.py``, ``params.py``), Apache-2.0;
A. G. Howard et al., "MobileNets", arXiv:1704.04861.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import pad

from igsed.errors import InputError

SAMPLE_RATE = 16000
CLASSES = 521
MELS = 64
_WINDOW = 400
_HOP = 160
_FFT = 512
_LOG_OFFSET = 0.001

# channels out and stride of the first convolution and of the 13 depthwise-separable blocks
_STEM = (32, 2)
BLOCKS = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (1024, 2),
    (1024, 1),
)


class YAMNet(nn.Module):
    """A `igsed.backbones.Backbone` of 1024 channels whose ``project`` is the identity.

    The parameters are random until loaded: see `from_file`.
    """

    sample_rate = SAMPLE_RATE
    embedding = 1024
    window: Tensor
    mel: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(_WINDOW, periodic=True), persistent=False)
        self.register_buffer("mel", torch.from_numpy(mel_matrix()).float(), persistent=False)
        channels, stride = _STEM
        layers = [_Convolution(1, channels, 3, stride)]
        for wider, stride in BLOCKS:
            layers += [_Convolution(channels, channels, 3, stride, groups=channels), _Convolution(channels, wider, 1)]
            channels = wider
        self.layers = nn.Sequential(*layers)
        self.dense = nn.Linear(channels, CLASSES)

    @classmethod
    def from_file(cls, path: str | Path) -> YAMNet:
        """The network with the weights that `store` wrote.

        Raises
        ------
        InputError
            The file is absent, damaged, or holds something else.
        """
        remedy = "delete it and run the workflow again, which fetches and converts YAMNet"
        try:
            weights = load_file(path)
        except (OSError, SafetensorError) as problem:
            raise InputError(f"{path}: no readable safetensors file: {problem}; {remedy}") from None
        network = cls()
        wanted = {name: (tensor.shape, tensor.dtype) for name, tensor in network.state_dict().items()}
        found = {name: (tensor.shape, tensor.dtype) for name, tensor in weights.items()}
        wrong = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
        if wrong:
            raise InputError(
                f"{path}: not the weights of YAMNet: {len(wrong)} tensors are missing, unknown or of another shape, "
                f"first {wrong[0]!r}; {remedy}"
            )
        if infinite := [name for name, tensor in weights.items() if not torch.isfinite(tensor).all()]:
            raise InputError(f"{path}: damaged: numbers in {infinite[0]!r} are not finite; {remedy}")
        network.load_state_dict(weights)
        return network

    def train(self, mode: bool = True) -> YAMNet:
        """Stays in evaluation mode whatever is asked: see `igsed.backbones.Backbone`."""
        return super().train(False)

    def spectrum(self, waveform: Tensor) -> Tensor:
        """Mel-weighted magnitude spectra, homogeneous of degree 1 in the waveform.

        Periodic Hann windows of 25 ms every 10 ms, not centred: spectrum t spans 0.010 t to 0.010 t + 0.025 s. A rest
        at the end that fills no window is left out.

        Parameters
        ----------
        waveform : Tensor, shape (batch, samples)
            At 16 kHz, full scale at 1, at least 400 samples.

        Returns
        -------
        Tensor, shape (batch, time, 64)
        """
        frames = waveform.unfold(-1, _WINDOW, _HOP) * self.window
        # torch.stft would centre the window within the FFT, TensorFlow starts it at the first sample
        bins = torch.fft.rfft(frames, _FFT)
        # The gradient of |z| is z / |z|, and 0 by torch's convention at z = 0, the silence from which integrated
        # gradients starts. Below the smallest normal number that quotient overflows to NaN, so such bins become exact
        # zeros first.
        inaudible = bins.abs() < torch.finfo(bins.real.dtype).tiny
        return bins.masked_fill(inaudible, 0).abs() @ self.mel

    def body(self, spectrum: Tensor) -> Tensor:
        """Frames of the last convolution, averaged over its two frequency bands.

        Parameters
        ----------
        spectrum : Tensor, shape (batch, time, 64)
            What `spectrum` returns.

        Returns
        -------
        Tensor, shape (batch, frame, 1024)
            A frame is 32 spectra, the last one begun: 998 spectra give 32 frames.
        """
        return self.layers(torch.log(spectrum + _LOG_OFFSET).unsqueeze(1)).mean(-1).transpose(1, 2)

    def project(self, channels: Tensor) -> Tensor:
        """The channels themselves: the published classifier has nothing between them and its dense layer."""
        return channels

    def classify(self, waveform: Tensor) -> Tensor:
        """Scores of the 521 AudioSet classes, in the order of the published class map.

        Parameters
        ----------
        waveform : Tensor, shape (batch, samples)
            As for `spectrum`.

        Returns
        -------
        Tensor, shape (batch, 521)
            Probabilities, each class for itself, from the mean over frames.
        """
        return torch.sigmoid(self.dense(self.body(self.spectrum(waveform)).mean(1)))

    def frame_times(self, samples: int) -> Tensor:
        """Centre of each frame's receptive field, in seconds: see `igsed.backbones.Backbone`.

        SAME padding at stride 2 lays output o around input 2 o + 1 when the input's length is even, around 2 o when
        it is odd; the composition over the layers depends on the length. A frame sees up to 1.58 s to either side of
        its centre.

        Parameters
        ----------
        samples : int
            Of the waveform, at least 400.

        Returns
        -------
        Tensor, shape (frame,), float64

        Examples
        --------
        >>> YAMNet().frame_times(160000)[[0, 1, 31]]
        tensor([0.0625, 0.3825, 9.9825], dtype=torch.float64)
        """
        length = 1 + (samples - _WINDOW) // _HOP
        first, step = 0, 1
        for layer in self.layers:
            if layer.stride == 2:
                first += step * (1 - length % 2)
                step *= 2
                length = -(-length // 2)
        spectra = first + step * torch.arange(length, dtype=torch.float64)
        return (_HOP * spectra + _WINDOW / 2) / SAMPLE_RATE


class _Convolution(nn.Module):
    """Convolution with TensorFlow's SAME padding, and its ReLU.

    SAME gives ceil(length / stride) outputs and puts the odd one of the zeros that this takes at the end: a stride-2
    convolution of size 3 pads (0, 1) where the length is even and (1, 1) where it is odd.
    """

    def __init__(self, inputs: int, outputs: int, size: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.stride = stride
        padding = size // 2 if stride == 1 else 0
        self.convolution = nn.Conv2d(inputs, outputs, size, stride, padding, groups=groups)
        self.activation = nn.ReLU()

    def forward(self, maps: Tensor) -> Tensor:
        if self.stride == 2:
            time, frequency = maps.shape[-2:]
            maps = pad(maps, (frequency % 2, 1, time % 2, 1))
        return self.activation(self.convolution(maps))


def mel_matrix() -> np.ndarray:
    """Weights that take 257 magnitude bins to 64 mel bands between 125 and 7500 Hz.

    As ``tf.signal.linear_to_mel_weight_matrix`` has them: HTK's mel scale, triangles of height 1 that are straight on
    the *mel* axis, nothing from the DC bin. `torchaudio.functional.melscale_fbanks` draws them straight on the axis
    of hertz, which is another filter bank (log-mels differ by up to 0.013, scores by 0.003), so it cannot stand in.

    Returns
    -------
    np.ndarray, shape (257, 64)
    """
    bins = _mel(np.linspace(0, SAMPLE_RATE / 2, _FFT // 2 + 1))[:, np.newaxis]
    edges = np.linspace(_mel(125.0), _mel(7500.0), MELS + 2)
    lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
    weights = np.maximum(0, np.minimum((bins - lower) / (centre - lower), (upper - bins) / (upper - centre)))
    weights[0] = 0
    return weights


def _mel(hertz: np.ndarray | float) -> np.ndarray:
    return 1127.0 * np.log1p(np.asarray(hertz) / 700.0)
