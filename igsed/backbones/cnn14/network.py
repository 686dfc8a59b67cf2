"""CNN14 of PANNs: twelve 3 × 3 convolutions on log-mel spectra in decibels, pretrained on AudioSet (527 classes).

Conventions: tensors of the network's inside are (batch, channel, time, frequency). Batch normalisation is folded into
the convolutions, which is exact because the network is frozen; that of the mel bands stays an affine map of its own,
since the zeros that pad the first convolution come after it. Dropout and SpecAugment, idle outside training, are left
out. Every activation is a `torch.nn.ReLU` of its own, every convolution a `torch.nn.Conv2d` and every pooling over
part of the plane a `torch.nn.AvgPool2d`, as Captum's DeepLift and LRP need it.

The short-time Fourier transform is a convolution with the windowed sines and cosines that the checkpoint stores, as in
the original. An FFT would be faster and nearer to the exact spectrum; but where a band holds only the 32-bit rounding
of a loud tone elsewhere, the original's rounding is what its log-mel shows, and an FFT's differs from it by decibels.

Source: Q. Kong et al., "PANNs", arXiv:1912.10211; github.com/qiuqiangkong/audioset_tagging_cnn (``pytorch/models.py``,
``Cnn14``), MIT; weights: Zenodo record 3987831, CC BY 4.0.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import conv1d, pad

from igsed.errors import InputError
from igsed.pooling import pooled

SAMPLE_RATE = 32000
CLASSES = 527
MELS = 64
WIDTHS = (64, 128, 256, 512, 1024, 2048)
"""Channels out of each block; after all but the last, time and frequency are halved."""

_WINDOW = 1024
_HOP = 320
_BINS = _WINDOW // 2 + 1
_FLOOR = 1e-10
_EPSILON = 1e-5
_LARGEST = 1 << 30  # bytes; the published files have a third of it
_NORM = ("weight", "bias", "running_mean", "running_var")


class CNN14(nn.Module):
    """A `igsed.backbones.Backbone` of 2048 channels whose ``project`` is a rectified linear layer.

    The parameters are random and the front end is empty until loaded: see `from_file`.

    Attributes
    ----------
    degree : int
        Of homogeneity of the spectrum, which is one of power.
    path_span : float
        For `igsed.attribution.ig`, as the natural logarithm of a range of power. Some 110 dB, 25, lie between
        the floor and the loudest bands of a recording, 14 between it and the median band; 16 served best on mixtures
        of recordings and on noise, at 16 pieces (median error of the frame scores 4.5 %, 11 % with 7; a
        network of an eighth of the width with random weights).
    """

    sample_rate = SAMPLE_RATE
    embedding = WIDTHS[-1]
    degree = 2
    path_span = 16.0
    kernels: Tensor
    mel: Tensor
    scale: Tensor
    shift: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("kernels", torch.zeros(2 * _BINS, 1, _WINDOW))
        self.register_buffer("mel", torch.zeros(_BINS, MELS))
        self.register_buffer("scale", torch.ones(MELS))
        self.register_buffer("shift", torch.zeros(MELS))
        blocks = [_Block(inputs, outputs) for inputs, outputs in zip((1, *WIDTHS), WIDTHS, strict=False)]
        self.blocks = nn.Sequential(*(layer for block in blocks[:-1] for layer in (block, nn.AvgPool2d(2))), blocks[-1])
        self.projection = nn.Sequential(nn.Linear(WIDTHS[-1], WIDTHS[-1]), nn.ReLU())
        self.dense = nn.Linear(WIDTHS[-1], CLASSES)

    @classmethod
    def from_file(cls, path: str | Path) -> CNN14:
        """The network with the weights of the published checkpoint, ``Cnn14_mAP=0.431.pth``.

        Only tensors are read: a file that would run code is refused. ``Cnn14_DecisionLevelMax_mAP=0.385.pth`` has
        tensors of the same names and shapes and is taken too; its `spectrum`, `body` and `project` are that network's,
        while it scores clips by another pooling than `logits` has.

        Raises
        ------
        InputError
            The file is absent, damaged, or holds something else.
        """
        remedy = "delete it and run the workflow again, or put PANNs' Cnn14_mAP=0.431.pth (Zenodo 3987831) in its place"
        try:
            _refuse_bombs(Path(path))
            stored = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as problem:  # bytes that are no checkpoint raise nearly anything
            reason = str(problem).partition("\n")[0] or type(problem).__name__
            raise InputError(f"{path}: no readable PyTorch checkpoint: {reason}; {remedy}") from None
        tensors = stored.get("model", stored) if isinstance(stored, dict) else {}
        if not isinstance(tensors, dict):
            tensors = {}
        found = {
            name: tuple(tensor.shape) if _is_plain(tensor) else None
            for name, tensor in tensors.items()
            if not str(name).endswith(".num_batches_tracked")
        }
        wanted = _published_shapes()
        wrong = sorted(str(name) for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
        if wrong:
            raise InputError(
                f"{path}: not the weights of CNN14: {len(wrong)} tensors are missing, unknown or of another shape or "
                f"type, first {wrong[0]!r}; {remedy}"
            )
        folded = _fold(tensors)
        for name, tensor in (tensors | folded).items():
            if not torch.isfinite(tensor).all():
                raise InputError(f"{path}: damaged: numbers in {name!r} are not finite; {remedy}")
        with torch.device("meta"):  # no time or random numbers for parameters that are replaced
            network = cls()
        network.load_state_dict(folded, assign=True)
        return network.eval()

    def train(self, mode: bool = True) -> CNN14:
        """Stays in evaluation mode whatever is asked: see `igsed.backbones.Backbone`."""
        return super().train(False)

    def spectrum(self, waveform: Tensor) -> Tensor:
        """Mel-weighted power spectra, homogeneous of degree 2 in the waveform.

        Periodic Hann windows of 32 ms every 10 ms, spectrum t centred at 0.010 t seconds; the waveform is mirrored at
        its ends. Mel bands from 50 Hz to 14 kHz on Slaney's scale, each of unit area in hertz.

        Parameters
        ----------
        waveform : Tensor, shape (batch, samples)
            At 32 kHz, full scale at 1, more than 512 samples; 9920 are needed for a frame.

        Returns
        -------
        Tensor, shape (batch, time, 64)
            320 000 samples give 1001 spectra.
        """
        mirrored = pad(waveform.unsqueeze(1), (_WINDOW // 2, _WINDOW // 2), mode="reflect")
        real, imaginary = conv1d(mirrored, self.kernels, stride=_HOP).split(_BINS, dim=1)
        return (real**2 + imaginary**2).transpose(1, 2) @ self.mel

    def log_mel(self, spectrum: Tensor) -> Tensor:
        """Decibels of what `spectrum` returns, of the same shape; -100 where it lies below 1e-10, silence included."""
        return 10 * torch.log10(torch.clamp(spectrum, min=_FLOOR))

    def body(self, spectrum: Tensor) -> Tensor:
        """Frames of the last convolution, averaged over its two frequency bands.

        Parameters
        ----------
        spectrum : Tensor, shape (batch, time, 64)
            What `spectrum` returns, at least 32 spectra.

        Returns
        -------
        Tensor, shape (batch, frame, 2048)
            A frame is 32 spectra, a rest at the end left out: 1001 spectra give 31 frames.
        """
        maps = self.log_mel(spectrum) * self.scale + self.shift
        return self.blocks(maps.unsqueeze(1)).mean(-1).transpose(1, 2)

    def project(self, channels: Tensor) -> Tensor:
        """Embeddings (..., 2048) of channels (..., 2048): the published layer ``fc1`` and its activation."""
        return self.projection(channels)

    def logits(self, waveform: Tensor) -> Tensor:
        """Logits (batch, 527) of the AudioSet classes, from the maximum over frames plus their mean; see `classify`."""
        frames = self.body(self.spectrum(waveform))
        return self.dense(self.project(pooled(frames)))

    def classify(self, waveform: Tensor) -> Tensor:
        """Scores of the 527 AudioSet classes, in the order of AudioSet's ``class_labels_indices.csv``.

        Parameters
        ----------
        waveform : Tensor, shape (batch, samples)
            As for `spectrum`.

        Returns
        -------
        Tensor, shape (batch, 527)
            Probabilities, each class for itself.
        """
        return torch.sigmoid(self.logits(waveform))

    def frame_times(self, samples: int) -> Tensor:
        """Centre of each frame's receptive field, in seconds: see `igsed.backbones.Backbone`.

        Frame o averages spectra 32 o to 32 o + 31 and what the convolutions add evenly to both sides: it sees 1.43 s to
        either side of its centre.

        Parameters
        ----------
        samples : int
            Of the waveform.

        Returns
        -------
        Tensor, shape (frame,), float64

        Examples
        --------
        >>> with torch.device("meta"):
        ...     network = CNN14()
        >>> network.frame_times(320000)[[0, 1, 30]]
        tensor([0.1550, 0.4750, 9.7550], dtype=torch.float64)
        """
        step = 2 ** (len(WIDTHS) - 1)
        frames = (1 + samples // _HOP) // step
        return (step * torch.arange(frames, dtype=torch.float64) + (step - 1) / 2) * _HOP / SAMPLE_RATE


class _Block(nn.Sequential):
    """Two convolutions of the same width, each with its ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(), nn.Conv2d(outputs, outputs, 3, padding=1), nn.ReLU()
        )


def _refuse_bombs(path: Path) -> None:
    """Refuse a file that would take far more memory than its length; PyTorch itself compresses nothing."""
    if path.stat().st_size > _LARGEST:
        raise ValueError(f"more than {_LARGEST} bytes")
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as file:
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in file.infolist()):
                raise ValueError("a part of it is compressed")


def _is_plain(tensor) -> bool:
    return (
        isinstance(tensor, Tensor)
        and tensor.dtype == torch.float32
        and tensor.layout == torch.strided
        and tensor.device.type == "cpu"
    )


def _published_shapes() -> dict[str, tuple[int, ...]]:
    """Shapes of the checkpoint's tensors by name, less the counters of batch normalisation."""
    shapes = {
        "spectrogram_extractor.stft.conv_real.weight": (_BINS, 1, _WINDOW),
        "spectrogram_extractor.stft.conv_imag.weight": (_BINS, 1, _WINDOW),
        "logmel_extractor.melW": (_BINS, MELS),
        "fc1.weight": (WIDTHS[-1], WIDTHS[-1]),
        "fc1.bias": (WIDTHS[-1],),
        "fc_audioset.weight": (CLASSES, WIDTHS[-1]),
        "fc_audioset.bias": (CLASSES,),
    }
    shapes |= {f"bn0.{part}": (MELS,) for part in _NORM}
    inputs = 1
    for block, width in enumerate(WIDTHS, 1):
        for layer in (1, 2):
            shapes[f"conv_block{block}.conv{layer}.weight"] = (width, inputs, 3, 3)
            shapes |= {f"conv_block{block}.bn{layer}.{part}": (width,) for part in _NORM}
            inputs = width
    return shapes


def _fold(published: dict[str, Tensor]) -> dict[str, Tensor]:
    """The published tensors under the names of `CNN14`, batch normalisation multiplied into the convolutions."""

    def affine(name: str) -> tuple[Tensor, Tensor]:
        weight, bias, mean, variance = (published[f"{name}.{part}"].double() for part in _NORM)
        scale = weight / (variance + _EPSILON).sqrt()
        return scale.float(), (bias - mean * scale).float()

    stft = "spectrogram_extractor.stft.conv_{}.weight"
    scale, shift = affine("bn0")
    folded = {
        "kernels": torch.cat([published[stft.format("real")], published[stft.format("imag")]]),
        "mel": published["logmel_extractor.melW"],
        "scale": scale,
        "shift": shift,
        "projection.0.weight": published["fc1.weight"],
        "projection.0.bias": published["fc1.bias"],
        "dense.weight": published["fc_audioset.weight"],
        "dense.bias": published["fc_audioset.bias"],
    }
    for block in range(len(WIDTHS)):
        for layer in (1, 2):
            scale, shift = affine(f"conv_block{block + 1}.bn{layer}")
            weight = published[f"conv_block{block + 1}.conv{layer}.weight"]
            # a pooling stands between two blocks, an activation between two convolutions
            name = f"blocks.{2 * block}.{2 * (layer - 1)}"
            folded |= {f"{name}.weight": weight * scale[:, None, None, None], f"{name}.bias": shift}
    return folded
