"""Problems of an experiment's inputs, reported before anything runs.

Checked are names, tables and, where placing a recording depends on its length, headers; no sound is read, so that a
thousand files take a second. The rules are those of the jobs (`igsed.soundbanks.soundbank.assign`,
`igsed.mixtures.placeable`, `igsed.recordings.match`), so a job would refuse later what is refused here. Problems that
only reading shows (damaged, silent or equal files) are left to the jobs, and so are files not yet downloaded.
"""

from pathlib import Path

import pandas as pd

from igsed import LABELS, audio, mixtures, recordings, training_sounds
from igsed.components import imported
from igsed.config import Config
from igsed.errors import InputError, Problems
from igsed.fetch import table as sources_table
from igsed.soundbanks import soundbank


def problems(config: Config, resources: str | Path = "resources") -> list[str]:
    """What keeps an experiment from running, as far as can be seen without reading sounds.

    Parameters
    ----------
    config : Config
    resources : path
        Where downloads lie.

    Returns
    -------
    list of str
        A message each: what is wrong, where, and what to do; empty where nothing is.
    """
    found, sources = Problems(), Path(resources, "sources")
    with found.noted():
        sources_table.read(config.sources)
        for name in config.downloads:
            with found.noted():
                sources_table.source(config.sources, name)
    with found.noted():
        config.backbone.component.check(config.backbone)
    labels: list[str] = []
    with found.noted():
        labels = config.classes
        _soundbank(config, labels, sources, found)
    with found.noted():
        _recordings(config, labels or list(LABELS), sources)
    for name, chosen in config.detectors_of("files").items():
        path = chosen.settings.get("path")
        if path and not Path(path).exists():
            found.messages.append(
                f"{path}: there is no such folder, and the detector {name} takes its scores from it. Put them there, "
                f"or correct the path of {name} under detectors."
            )
    _settings(config, found)
    return found.messages


def _settings(config: Config, found: Problems) -> None:
    """What detectors' settings and those of the clips make impossible together."""
    for chosen in config.detectors:
        checked = chosen.detector.settings.model_validate(chosen.settings)
        try:
            if hasattr(checked, "check"):
                checked.check(float(config.mixtures.duration))
            if hasattr(checked, "check_network"):
                checked.check_network(imported(config.backbone.component.network)())
        except (InputError, ValueError) as problem:
            found.messages.append(f"detectors: {chosen.name}: {problem}")
        if config.sounds_of(chosen.name):
            most = min(config.mixtures.clips.train, training_sounds.COUNT)
            if chosen.settings["draws"] > most:
                found.messages.append(
                    f"detectors: {chosen.name}: draws: {chosen.settings['draws']} sounds of training clips are wanted, "
                    f"and there are at most {most}; lower draws, or raise mixtures.clips.train"
                )
        if chosen.control == "wrong_class" and len(config.classes) < 2:
            found.messages.append(f"detectors: {chosen.name}: control: wrong_class needs more classes than one")


def _soundbank(config: Config, labels: list[str], sources: Path, found: Problems) -> None:
    kind = config.soundbank.component
    there = {name: sources / name for name in kind.sources(config.soundbank) if (sources / name).exists()}
    promise = kind.promise(there, labels, config.soundbank, found)
    if promise is None:
        return
    protocol = config.mixtures.protocol
    for split in promise.splits:
        with found.noted():
            mixtures.placeable(_with_durations(soundbank.pools(promise.table, split)[0], protocol), protocol, split)


def _with_durations(foreground: pd.DataFrame, protocol: mixtures.Protocol) -> pd.DataFrame:
    """The recordings with a column `duration`, s: of those whose class can only be used if they are long enough."""
    only = foreground["missing"].eq("both").groupby(foreground["label"]).transform("all").astype(bool)
    # Events that are never as long as a clip do not span it, whatever the recording's length.
    needed = only & (protocol.missing_edges == "outside") & (protocol.event_duration[1] >= protocol.duration)
    durations = [audio.header(p).duration if n else 0.0 for p, n in zip(foreground["path"], needed, strict=True)]
    return foreground.assign(duration=durations)


def _recordings(config: Config, labels: list[str], sources: Path) -> None:
    settings = config.recordings
    if settings is None:
        return
    kind, fetched = settings.component, sources / settings.component.source
    if kind.source and not fetched.exists():
        recordings.overlap_list(settings.overlap)
        return
    folder, annotations = kind.find(settings, fetched)
    recordings.match(recordings.Source(folder, annotations, settings.overlap), labels)
