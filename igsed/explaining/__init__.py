"""What a network hears in one's own recordings, and when: `igsed.explain`, and `igsed explain`.

- `models`: the classifiers; `labels`: their classes; `methods`: what says when;
- `streams`, `windows`: recordings of any length in pieces, and curves joined from these;
- `engine`: from a recording to curves;
- `results`: what is returned, and how curves become events; `formats`, `picture`, `page`: files;
- `notebook`: how it shows itself there; `shown`: what that and the page show; `wording`: numbers as people read them;
- `command`, `folders`: the command line.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from igsed.explaining.results import Explained


def explain(
    sound: str | Path | Any,
    sample_rate: int | None = None,
    labels: Sequence[str] | str | None = None,
    method: str = "cam",
    model: Any = "yamnet",
    *,
    seed: int | None = None,
    threshold: str | float = "otsu",
    gap: float = 0.15,
    minimum: float = 0.0,
    floor: float = 0.05,
    control: bool = True,
    name: str | None = None,
    **settings,
) -> Explained:
    """What a network hears in a recording, and when.

    Parameters
    ----------
    sound : str, path or array
        A sound file, or samples (samples,) or (samples, channels) with full scale at 1.
    sample_rate : int, optional
        Of an array, in Hz.
    labels : sequence of str, optional
        Classes to explain; by default the most probable ones (see `igsed.explaining.labels.TOP`).
    method : str
        A detector that needs a classifier or its frames, by name, or `package.module:name`; of an experiment also by
        the name that it has there. See `igsed.explaining.methods`.
    model : str, path or object
        The classifier: see `igsed.explaining.models.load`. One that was loaded there serves many recordings.
    seed : int, optional
        Of an experiment's heads; by default their mean.
    threshold, gap, minimum, floor
        How scores become events: "otsu" or a share 0…1 of their range; seconds between events that become one, and of
        the shortest that is kept; the probability of a class below which frames of logits are not told apart, and
        stretches hold no events (0: none).
    control : bool
        Whether the curve of a head of random weights is computed too, to compare with.
    name : str, optional
        Of the recording; by default that of the file without its ending.
    settings
        Of the method.

    Raises
    ------
    InputError
        The sound cannot be used, or there is no such class, method or model.

    Examples
    --------
    >>> import igsed
    >>> found = igsed.explain("my.wav", labels=["Dog"])  # doctest: +SKIP
    >>> found.events[["onset", "offset", "confidence"]]  # doctest: +SKIP
    """
    from igsed.explaining import engine, methods, models, results
    from igsed.explaining import labels as names

    loaded = model if isinstance(model, models.Model) else models.load(model, seed)
    asked = engine.Asked(
        names.chosen(labels, loaded.labels),
        methods.chosen(method, settings, loaded.detectors),
        results.rule(threshold, gap, minimum, floor),
        control,
    )
    return engine.explained(engine.recording(sound, sample_rate, loaded), loaded, asked, name)
