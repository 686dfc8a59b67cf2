"""In what experiments differ beside their banks, in plain sentences; which detectors of one name are the same."""

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pydantic

from igsed.compare.folders import Experiment
from igsed.config.detectors import Chosen
from igsed.detectors import DETECTORS

_APART = {
    *("experiment", "seed", "device", "labels", "sources", "soundbank", "recordings", "clips_per_job", "figures"),
    *("detectors", "mixtures.keep", "mixtures.shard"),
}
"""Settings that bear on no comparison, are the banks that are compared, or are looked at apart."""

_SHOWING = ("figure", "table", "data_report", "manifest")
"""How the names of those steps begin that change no number."""

_NO_NUMBERS = {"snakemake", "matplotlib"}
_LONGEST = 100
_ABSENT = object()


def same_clips(experiments: Sequence[Experiment]) -> list[str]:
    """A sentence for every two experiments whose test clips are the same, by the digests in their manifests."""

    def digests(one: Experiment) -> list:
        inputs = one.manifest.get("inputs") or {}
        return [
            inputs.get(f"results/{one.manifest['experiment']}/mixtures/test/{name}") for name in ("audio", "events.tsv")
        ]

    return [
        f"{one.name} and {other.name} have the same test clips: they are one bank, and that they agree says little."
        for one, other in itertools.combinations(experiments, 2)
        if None not in digests(one) and digests(one) == digests(other)
    ]


def sentences(experiments: Sequence[Experiment]) -> list[str]:
    """Every difference between the experiments that bears on comparing them; nothing of one experiment."""
    return [sentence for told in by_subject(experiments).values() for sentence in told]


def by_subject(experiments: Sequence[Experiment]) -> dict[str, list[str]]:
    """Of what the differences are → their sentences; subjects without any are left out."""
    found = {
        "Repetitions": _repetitions(experiments),
        "Versions and code": _versions(experiments),
        "Machines": _machines(experiments),
        "Seeds": [
            *_stated(
                "The experiment's seed differs", {one.name: one.config.get("seed", _ABSENT) for one in experiments}
            ),
            *_stated("The number of training seeds differs", {one.name: one.seeds for one in experiments}),
        ],
        "Protocols": _lists("protocols", {one.name: one.protocols for one in experiments}),
        "Classes": _lists("classes", {one.name: one.classes for one in experiments}),
        "Settings": _settings(experiments),
        "Detectors": _detectors(experiments),
    }
    return {subject: told for subject, told in found.items() if told}


def rows_of(experiments: Sequence[Experiment]) -> dict[tuple[str, str], str]:
    """(Experiment, detector) → the row that it stands in: the detector's name.

    Where a name stands for different settings, the names of the experiments that share them stand behind it.
    """
    rows = {}
    for name, groups in _groups(experiments).items():
        for group in groups:
            told = name if len(groups) == 1 else f"{name} ({', '.join(group)})"
            rows.update({(experiment, name): told for experiment in group})
    return rows


def made_from_events(chosen: Mapping[str, Any]) -> bool:
    """Whether a detector, an entry in the settings, is made from the truth; of igsed's own alone it is known."""
    method = DETECTORS.built_in.get(chosen.get("method", chosen["name"]))
    return method is not None and method.needs == "events"


def is_control(chosen: Mapping[str, Any]) -> bool:
    """Whether a detector, an entry in the settings, is there to be compared with, as `Chosen.is_control` says it.

    A method that is not igsed's own is none, unless its entry makes it one (`control`).
    """
    method = DETECTORS.built_in.get(chosen.get("method", chosen["name"]))
    known = method is not None and (
        method.needs in ("waveform", "events") or getattr(method, "trained_on", "train") == "validation"
    )
    return bool(chosen.get("control")) or known


def _from_files(chosen: Mapping[str, Any]) -> bool:
    method = DETECTORS.built_in.get(chosen.get("method", chosen["name"]))
    return method is not None and method.needs == "files"


def _repetitions(experiments: Sequence[Experiment]) -> list[str]:
    found: dict[str, list[str]] = {}
    for one in experiments:
        found.setdefault(json.dumps(one.config, sort_keys=True), []).append(one.name)
    return [
        f"{' and '.join(names)} have the same settings: they repeat one experiment, on one bank."
        for names in found.values()
        if len(names) > 1
    ]


def _versions(experiments: Sequence[Experiment]) -> list[str]:
    stated = {one.name: one.manifest["versions"] for one in experiments}
    packages = sorted({package for versions in stated.values() for package in versions} - _NO_NUMBERS)
    found = [
        sentence
        for package in packages
        for sentence in _stated(
            f"The version of {package} differs", {name: given.get(package, _ABSENT) for name, given in stated.items()}
        )
    ]
    commits = {one.name: one.manifest.get("git_commit", _ABSENT) for one in experiments}
    found += _stated("The commit of igsed differs", commits)
    # A digest is one of syntax trees, which each version of Python writes in its own way.
    if len({str(versions.get("python")).rpartition(".")[0] for versions in stated.values()}) == 1:
        digests = [one.manifest.get("code_digests") for one in experiments]
        given = [digest for digest in digests if isinstance(digest, dict)]
        steps = sorted(
            step
            for step in set().union(*given)
            if not step.startswith(_SHOWING) and len({str(digest[step]) for digest in given if step in digest}) > 1
        )
        found += [f"The code of these steps differs: {', '.join(steps)}."] * bool(steps)
    return found


def _machines(experiments: Sequence[Experiment]) -> list[str]:
    keys = {"device": "The device differs", "precision": "The precision of the networks differs"}
    return [
        sentence
        for key, told in keys.items()
        for sentence in _stated(told, {one.name: one.manifest.get(key, _ABSENT) for one in experiments})
    ]


def _settings(experiments: Sequence[Experiment]) -> list[str]:
    found = []
    for key, values in _differing({one.name: one.config for one in experiments}).items():
        if not {key, key.partition(".")[0]} & _APART:
            lists = all(isinstance(value, list) and all(isinstance(x, str) for x in value) for value in values.values())
            found += _lists(key, values) if lists else _stated(f"The setting {key} differs", values)
    return found


def _differing(values: Mapping[str, Any], above: str = "") -> dict[str, Mapping[str, Any]]:
    """Setting → experiment → its value, where they differ."""
    if all(isinstance(value, dict) for value in values.values()):
        return {
            name: differing
            for key in dict.fromkeys(key for value in values.values() for key in value)
            for name, differing in _differing(
                {name: value.get(key, _ABSENT) for name, value in values.items()}, f"{above}.{key}" if above else key
            ).items()
        }
    return {above: values} if len(set(map(_told, values.values()))) > 1 else {}


def _detectors(experiments: Sequence[Experiment]) -> list[str]:
    found = []
    for name, groups in _groups(experiments).items():
        chosen = {one.name: one.detectors[name] for one in experiments if name in one.detectors}
        if len(groups) > 1:
            values = _differing({experiment: _full(settings) for experiment, settings in chosen.items()})
            told = ". ".join(f"{key}: {_by_value(of_key)}" for key, of_key in values.items())
            found.append(f"{name} stands for different settings, so its rows are separate. {told}.")
        elif any(map(_from_files, chosen.values())) and len(chosen) > 1:
            found.append(f"{name} is made of files of scores; that one system made them all is not known here.")
        if len(chosen) < len(experiments):
            absent = [one.name for one in experiments if one.name not in chosen]
            found.append(f"{name} is not in {', '.join(absent)}, so it is not ranked.")
    return found


def _groups(experiments: Sequence[Experiment]) -> dict[str, list[list[str]]]:
    """Detector → groups of the experiments in which its settings are the same."""
    found: dict[str, dict[str, list[str]]] = {}
    for one in experiments:
        for name, chosen in one.detectors.items():
            settings = {key: value for key, value in _full(chosen).items() if key != "path" or not _from_files(chosen)}
            found.setdefault(name, {}).setdefault(json.dumps(settings, sort_keys=True), []).append(one.name)
    return {name: list(groups.values()) for name, groups in found.items()}


def _full(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """A detector's settings with those that an older igsed did not know, which are taken for today's defaults."""
    if chosen.get("method", chosen["name"]) in DETECTORS.built_in:
        try:
            return Chosen.model_validate(dict(chosen)).model_dump(mode="json")
        except pydantic.ValidationError:  # settings that there are no more
            pass
    return dict(chosen)


def _stated(told: str, values: Mapping[str, Any]) -> list[str]:
    """A sentence that says which value is whose, if they differ."""
    return [f"{told}: {_by_value(values)}."] if len(set(map(_told, values.values()))) > 1 else []


def _by_value(values: Mapping[str, Any]) -> str:
    groups: dict[str, list[str]] = {}
    for name, value in values.items():
        groups.setdefault(_told(value), []).append(name)
    return "; ".join(f"{_cut(value)} in {', '.join(names)}" for value, names in groups.items())


def _lists(told: str, values: Mapping[str, Sequence[str]]) -> list[str]:
    """A sentence that says what each list has beyond what all have, if they differ; the order counts for nothing."""
    common = set.intersection(*map(set, values.values()))
    beyond = {name: [item for item in items if item not in common] for name, items in values.items()}
    if not any(beyond.values()):
        return []
    told_each = "; ".join(f"{name}: {_cut(', '.join(items)) or 'none'}" for name, items in beyond.items())
    return [f"The {told} differ. {len(common)} are the same in all; the others are, in {told_each}."]


def _told(value: Any) -> str:
    if value is _ABSENT:
        return "not stated"
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
