"""The built-in components by the names that the configuration uses, as text, so that naming one does not import it."""

ATTRIBUTIONS = {
    "ig": "igsed.attribution.ig:IntegratedGradients",
    "ig_captum": "igsed.attribution.ig_captum:CaptumIntegratedGradients",
}
"""Attribution methods: name → `module:callable`."""

FRAMEWISE = ("fw_ws", "fw_ss")
"""Detectors that are frame classifiers trained on weak and on strong labels."""

BASELINES = ("random", "energy")
"""Detectors that know no model; their scores have only seed 0."""
