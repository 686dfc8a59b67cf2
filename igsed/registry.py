"""The built-in components by the names that the configuration uses, as text, so that naming one does not import it."""

BACKBONES = {"cnn14": "igsed.backbones.cnn14:CNN14", "yamnet": "igsed.backbones.yamnet:YAMNet"}
"""Frozen networks: name → `module:class`."""

WEIGHTS = {"yamnet": "igsed.backbones.yamnet_conversion:obtain"}
"""What fetches a network's weights where none are named: name → `module:function`."""
