"""Which method says when: its name, its settings, and how well it did where events are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import pydantic

from igsed import detectors
from igsed.config.detectors import Chosen
from igsed.detectors import Detector, OfClassifier, OfFrames
from igsed.errors import InputError

DEFAULT = "cam"
"""What the findings support best for a network whose head is on its frames, at the least cost."""

QUIET: Mapping[str, Any] = {"baseline": "quiet_second", "domain": "mel", "n_steps": 4, "tolerance": None}
"""Integrated Gradients as they do best: from the recording's quietest second, at the mel spectrum."""

_EXPLAINING = ("classifier", "frames", "masks")
"""What detectors need that say something about a classifier."""

_PRESETS: Mapping[str, tuple[str, Mapping[str, Any]]] = {"ig": ("ig", QUIET), "ig_quiet": ("ig", QUIET)}

BANKS = ("generated sounds", "free sounds", "the minibank")

ACCURACY: Mapping[str, tuple[float, float, float]] = {
    "cam": (0.90, 0.82, 0.63),
    "lrp": (0.90, 0.82, 0.64),
    "ig_quiet": (0.77, 0.81, 0.69),
    "smoothgrad": (0.84, 0.78, 0.66),
    "deep_lift": (0.82, 0.72, 0.59),
    "gradient_input": (0.80, 0.75, 0.60),
    "occlusion": (0.65, 0.62, 0.42),
    "fw_ws": (0.87, 0.81, 0.74),
    "fw_ss": (0.94, 0.87, 0.77),
}
"""Average precision of frames on the banks of `docs/findings.md`, with default settings and a head of ten classes."""

ENERGY = (0.66, 0.63, 0.62)
"""That of loudness."""


PUBLISHED: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "cam": {"generated sounds": (0.83, 0.63), "the minibank": (0.92, 0.54)}
}
"""The same and loudness's on mixtures of banks, with YAMNet's own classes (`docs/explain.md`)."""


class Entry(NamedTuple):
    """A detector of an experiment: method, settings, folder of its heads, and why it cannot explain where it cannot."""

    method: str
    settings: dict[str, Any]
    heads: str
    obstacle: str


class Method(NamedTuple):
    """A detector with all its settings; `name` is how the findings call it.

    `entry` is how an experiment calls it, if it is one's, and `heads` the folder of the heads that a framewise one has
    there.
    """

    name: str
    detector: Detector
    settings: dict[str, Any]
    entry: str = ""
    heads: str = ""

    @property
    def framewise(self) -> bool:
        """Whether it looks at each frame by itself."""
        return isinstance(self.detector, OfFrames)

    @property
    def title(self) -> str:
        """For people."""
        title = "IG from the quietest second" if self.name == "ig_quiet" else self.detector.title
        return title if self.entry in ("", self.name, self.detector.name) else f"{title} ({self.entry})"

    def accuracy(self, heads: bool = True, published: bool = False) -> str:
        """How well it did, in a sentence; where nothing was measured, that.

        Parameters
        ----------
        heads : bool
            Whether the classifier is an experiment's; `published`: whether it is YAMNet with its own classes.
        """
        if published and self.name in PUBLISHED:
            told, loud = _listed(PUBLISHED[self.name])
            return (
                "Average precision of frames, measured with YAMNet's own classes where they sound and have a "
                f"probability of at least 0.5 (docs/explain.md): {told}; loudness alone {loud}. Many sounds "
                "that are there get a lower probability."
            )
        if self.name not in ACCURACY:
            return "How well this method, with these settings, says when was not measured (docs/findings.md)."
        told, loud = _listed(dict(zip(BANKS, zip(ACCURACY[self.name], ENERGY, strict=True), strict=True)))
        others = "" if heads else " and not with others"
        return (
            f"Average precision of frames, measured with heads trained for ten classes{others} (docs/findings.md): "
            f"{told}; loudness alone {loud}."
        )


def _listed(values: Mapping[str, tuple[float, float]]) -> tuple[str, str]:
    """Of bank → value and loudness's: the one with the banks, the other without."""
    told = ", ".join(f"{value:.2f} on {bank}" for bank, (value, _) in values.items())
    return told, ", ".join(f"{loud:.2f}" for _, loud in values.values())


def chosen(
    name: str = DEFAULT, settings: Mapping[str, Any] | None = None, of_experiment: Mapping[str, Entry] | None = None
) -> Method:
    """The method that is meant.

    Parameters
    ----------
    name : str
        A detector that needs a classifier or its frames, or `package.module:name`. `ig` is that from the quietest
        second, with four pieces of the path; `baseline: silence` gives the paper's.
    settings : mapping, optional
        What differs from the defaults.
    of_experiment : mapping, optional
        The detectors of an experiment (`entries`), which go before all others.

    Raises
    ------
    InputError
        There is no such method, it does not explain a classifier, or it does not take these settings.
    """
    given = dict(settings or {})
    of_experiment = of_experiment or {}
    preset: Mapping[str, Any]
    heads = ""
    if entry := of_experiment.get(name):
        if entry.obstacle:
            others = ", ".join(other for other, one in of_experiment.items() if not one.obstacle)
            raise InputError(
                f"method {name!r}: {entry.obstacle}. Use another detector of this experiment "
                f"({others or 'it has none that explains'}), or one of igsed's."
            )
        base, preset, heads = entry.method, entry.settings, entry.heads
    else:
        base, preset = _PRESETS.get(name, (name, {}))
    detector = detectors.find(base)
    if detector.needs not in _EXPLAINING:
        raise InputError(f"method {name!r}: explains no classifier. Use {', '.join(known())}, or package.module:name.")
    if getattr(detector, "trained_on", "train") == "validation":
        raise InputError(f"method {name!r}: learns from strong labels of validation clips, which are not here.")
    full = detectors.checked(detector, {**preset, **given})
    if isinstance(detector, OfClassifier) and detector.sounds(full):
        raise InputError(f"method {name!r}: with these settings it takes sounds of training clips, which are not here.")
    called = base if entry else name
    if base == "ig":
        called = "ig_quiet" if full == detectors.checked(detector, QUIET) else "ig"
    elif full != detectors.checked(detector, {}):
        called = f"{called} with other settings"
    return Method(called, detector, full, name if entry else "", heads)


def entries(config: Mapping[str, Any]) -> dict[str, Entry]:
    """The detectors of an experiment by name, of its whole configuration as `config.yaml` has it.

    Examples
    --------
    >>> found = entries({"detectors": ["energy", {"name": "mine", "method": "ig", "n_steps": 8}]})
    >>> found["mine"].settings["n_steps"], found["energy"].obstacle
    (8, 'explains no classifier')
    """
    levels = (config.get("training") or {}).get("levels") or {}
    found: dict[str, Entry] = {}
    heads: dict[str, str] = {}
    for values in config.get("detectors") or ():
        try:
            one = Chosen.model_validate(values)
        except pydantic.ValidationError as error:
            name = values.get("name") if isinstance(values, dict) else values
            reason = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
            found[str(name)] = Entry("", {}, "", f"cannot be used here ({reason})")
            continue
        obstacle, own = "", getattr(one.detector, "learns_from", "")
        processed = [what for what, there in (("smoothed", one.smooth), ("contrasted", one.contrast)) if there]
        if one.control:
            obstacle = f"is a control ({one.control}), which explains nothing"
        elif one.detector.needs not in _EXPLAINING:
            obstacle = "explains no classifier"
        elif processed:
            obstacle = f"its scores are {' and '.join(processed)}, which only the workflow does"
        elif levels and not own and one.levels not in (None, levels.get("all", True)):
            obstacle = "looks at the classifier that learns from other levels, not at the experiment's main one"
        found[one.name] = Entry(one.method, one.settings, heads.setdefault(one.model, one.name), obstacle)
    return found


def known() -> list[str]:
    """The methods that need no path."""
    found = []
    for name in detectors.DETECTORS.built_in:
        detector = detectors.find(name)
        if detector.needs in ("classifier", "masks") or (
            isinstance(detector, OfFrames) and detector.trained_on == "train"
        ):
            found.append(name)
    return found
