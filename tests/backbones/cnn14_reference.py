"""CNN14 in the plain form in which it was published, with batch normalisation as layers of its own.

Written from the description in arXiv:1912.10211 and the published network's names; the front end is torchlibrosa, which
is the original's own. Only for evaluation: dropout and augmentation, idle there, are left out.
"""

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional
from torchlibrosa.stft import LogmelFilterBank, Spectrogram

WIDTHS = (64, 128, 256, 512, 1024, 2048)


class Outputs(NamedTuple):
    """Decibels (batch, time, 64), frames (batch, frame, 2048), embedding (batch, 2048), logits (batch, 527)."""

    log_mel: Tensor
    frames: Tensor
    embedding: Tensor
    logits: Tensor


class Block(nn.Module):
    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)

    def forward(self, maps: Tensor, pool: int) -> Tensor:
        maps = functional.relu(self.bn1(self.conv1(maps)))
        maps = functional.relu(self.bn2(self.conv2(maps)))
        return functional.avg_pool2d(maps, pool)


class Cnn14(nn.Module):
    def __init__(self, widths: tuple[int, ...] = WIDTHS):
        super().__init__()
        self.spectrogram_extractor = Spectrogram(
            n_fft=1024, hop_length=320, win_length=1024, window="hann", center=True, pad_mode="reflect"
        )
        self.logmel_extractor = LogmelFilterBank(
            sr=32000, n_fft=1024, n_mels=64, fmin=50, fmax=14000, ref=1.0, amin=1e-10, top_db=None
        )
        self.bn0 = nn.BatchNorm2d(64)
        for number, (inputs, outputs) in enumerate(zip((1, *widths), widths, strict=False), 1):
            setattr(self, f"conv_block{number}", Block(inputs, outputs))
        self.fc1 = nn.Linear(widths[-1], widths[-1])
        self.fc_audioset = nn.Linear(widths[-1], 527)

    def forward(self, waveform: Tensor) -> Outputs:
        log_mel = self.logmel_extractor(self.spectrogram_extractor(waveform))
        maps = self.bn0(log_mel.transpose(1, 3)).transpose(1, 3)
        for number in range(1, 7):
            maps = getattr(self, f"conv_block{number}")(maps, 2 if number < 6 else 1)
        frames = maps.mean(3)
        embedding = functional.relu(self.fc1(frames.max(2).values + frames.mean(2)))
        return Outputs(log_mel[:, 0], frames.transpose(1, 2), embedding, self.fc_audioset(embedding))
