"""Which method says when: its name, its settings, and how well it did where events are known."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import pydantic

from igsed import detectors
from igsed.config.detectors import Chosen
from igsed.detectors import Detector, OfClassifier, OfFrames
from igsed.errors import InputError, suggestion

DEFAULT = "cam"
"""What the findings support best for a network whose head is on its frames, at the least cost."""

QUIET: Mapping[str, Any] = {"baseline": "quiet_second", "domain": "mel", "n_steps": 4, "tolerance": None}
"""Integrated Gradients as they do best: from the recording's quietest second, at the mel spectrum."""

_EXPLAINING = ("classifier", "frames", "masks")
"""What detectors need that say something about a classifier."""

_PRESETS: Mapping[str, tuple[str, Mapping[str, Any]]] = {"ig": ("ig", QUIET), "ig_quiet": ("ig", QUIET)}

BANKS = ("generated sounds", "free sounds", "the minibank")

ACCURACY: Mapping[str, tuple[float, ...]] = {
    "cam": (0.90, 0.82, 0.63),
    "lrp": (0.90, 0.82, 0.64),
    "ig": (0.35, 0.59, 0.39),
    "ig_quiet": (0.77, 0.81, 0.69),
    "smoothgrad": (0.84, 0.78, 0.66),
    "deep_lift": (0.82, 0.72, 0.59),
    "gradient_input": (0.80, 0.75, 0.60),
    "occlusion": (0.65, 0.62, 0.42),
    "fw_ws": (0.87, 0.81, 0.74),
    "fw_ss": (0.94, 0.87, 0.77),
    "grad_cam": (0.90, 0.82),
    "layer_cam": (0.80, 0.78),
    "guided_backprop": (0.77, 0.70),
    "lime": (0.70, 0.65),
    "rise": (0.68, 0.61),
    "kernel_shap": (0.77,),
    "forest": (0.73,),
    "saliency": (0.39,),
}
"""Average precision of frames on the banks of `docs/findings.md`, as many as were run, with default settings and a head
of ten classes."""

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
    there. `changed` are the settings that differ from the entry's.
    """

    name: str
    detector: Detector
    settings: dict[str, Any]
    entry: str = ""
    heads: str = ""
    changed: tuple[str, ...] = ()

    @property
    def framewise(self) -> bool:
        """Whether it looks at each frame by itself."""
        return isinstance(self.detector, OfFrames)

    @property
    def title(self) -> str:
        """For people."""
        title = "IG from the quietest second" if self.name == "ig_quiet" else self.detector.title
        return title if self.entry in ("", self.name, self.detector.name) else f"{title} ({self.entry})"

    def origin(self, experiment: str) -> str:
        """Whose settings it has, where an experiment says so; empty where there are none to tell of.

        An entry may have the name of a method that has other settings elsewhere.
        """
        if not (self.entry and self.settings):
            return ""
        changed = ", ".join(f"{name} {self.settings[name]}" for name in self.changed)
        others = ", ".join(
            f"{name} {value}" for name, value in self.settings.items() if value is not None and name not in self.changed
        )
        told = f"{self.entry} as in {experiment}" + (f", but {changed}" if changed else "")
        return told + (f" ({others})" if others else "")

    def accuracy(self, heads: bool = True, published: bool = False, measured: str = "") -> str:
        """How well it did, in a sentence or two; where nothing was measured, that.

        Parameters
        ----------
        heads : bool
            Whether the classifier is an experiment's; `published`: whether it is YAMNet with its own classes.
        measured : str
            What the experiment has measured of its detector, in a sentence.
        """
        if measured and not self.changed:
            return measured
        if published and self.name in PUBLISHED:
            told, loud = _listed(PUBLISHED[self.name])
            return (
                "Average precision of frames, measured with YAMNet's own classes where they sound and have a "
                f"probability of at least 0.5 (docs/explain.md): {told}; loudness alone {loud}. Many sounds "
                "that are there get a lower probability."
            )
        if self.name not in ACCURACY:
            return "How well this method, with these settings, says when was not measured (docs/findings.md)."
        told, loud = _listed(dict(zip(BANKS, zip(ACCURACY[self.name], ENERGY, strict=False), strict=False)))
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
            raise _refused(name, entry.obstacle, of_experiment)
        base, preset, heads = entry.method, entry.settings, entry.heads
    else:
        base, preset = _PRESETS.get(name, (name, {}))
    if ":" not in base and base not in detectors.DETECTORS.names:
        raise _refused(name, "there is no such detector", of_experiment)
    detector = detectors.find(base)
    if detector.needs not in _EXPLAINING:
        raise _refused(name, "explains no classifier", of_experiment)
    if getattr(detector, "trained_on", "train") == "validation":
        raise _refused(name, "learns from strong labels of validation clips, which are not here", of_experiment)
    full = detectors.checked(detector, {**preset, **given})
    if isinstance(detector, OfClassifier) and detector.sounds(full):
        raise InputError(
            f"method {name!r}: with these settings it takes sounds of training clips, which are not here. Give others, "
            "or use another method."
        )
    called = base if entry else name
    if base == "ig" and full == detectors.checked(detector, QUIET):
        called = "ig_quiet"
    elif full != detectors.checked(detector, {}):
        called = f"{called} with other settings"
    elif base == "ig":
        called = "ig"
    changed = tuple(key for key, value in full.items() if value != preset.get(key, value)) if entry else ()
    return Method(called, detector, full, name if entry else "", heads, changed)


def _refused(name: str, reason: str, of_experiment: Mapping[str, Entry]) -> InputError:
    """The error for a method that cannot be used, which lists those that can, the nearest names first."""
    entries = _by_nearness(name, (other for other, one in of_experiment.items() if not one.obstacle))
    others = _by_nearness(name, (other for other in known() if other not in of_experiment))
    can = ", ".join(others)
    if of_experiment:
        own = ", ".join(entries) or "it has none that explains"
        can = f"a detector of the experiment ({own}), one of igsed's ({can})"
    near = suggestion(name, [*entries, *others])
    return InputError(f"method {name!r}: {reason}{near}. Use {can}, or package.module:name.")


def _by_nearness(name: str, others: Iterable[str]) -> list[str]:
    return sorted(others, key=lambda other: -difflib.SequenceMatcher(None, name.casefold(), other).ratio())


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
    """The methods that need no path, and no head that an experiment has trained for them."""
    found = set(_PRESETS)
    for name in detectors.DETECTORS.built_in:
        detector = detectors.find(name)
        if detector.needs in ("classifier", "masks") or (isinstance(detector, OfFrames) and not detector.learns_from):
            found.add(name)
    return sorted(found)
