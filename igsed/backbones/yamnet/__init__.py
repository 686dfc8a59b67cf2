"""YAMNet: the declaration. The network itself is in `igsed.backbones.yamnet.network`."""

from igsed.backbones import Network, Settings


class YAMNetSettings(Settings):
    """YAMNet: MobileNet v1 on log-mel spectra of 16 kHz sound, pretrained on AudioSet (521 classes)."""


NETWORK = Network(
    name="yamnet",
    title="YAMNet",
    settings=YAMNetSettings,
    citation="Plakal and Ellis (2019), YAMNet, tensorflow/models, research/audioset/yamnet",
    network="igsed.backbones.yamnet.network:YAMNet",
    file="yamnet.safetensors",
    make="igsed.backbones.yamnet.conversion:make",
    download=16e6,
    seconds=0.03,
    channels_last=True,
)
