"""CNN14: the declaration. The network itself is in `igsed.backbones.cnn14.network`."""

from igsed.backbones import Network, Settings


class CNN14Settings(Settings):
    """CNN14 of PANNs: twelve convolutions on log-mel spectra of 32 kHz sound, pretrained on AudioSet (527 classes)."""


NETWORK = Network(
    name="cnn14",
    title="CNN14",
    settings=CNN14Settings,
    citation="Kong et al. (2020), PANNs: Large-Scale Pretrained Audio Neural Networks for Audio Pattern Recognition",
    network="igsed.backbones.cnn14.network:CNN14",
    file="cnn14.pth",
    source="panns_cnn14",
    seconds=0.35,
)
