"""What the page is told about an experiment, besides its results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Settings:
    """An experiment, as far as the page speaks of it.

    Attributes
    ----------
    experiment : str
    labels, detectors : sequence of str
        In their order.
    drawn : sequence of str
        The detectors that figures draw.
    controls, explanations : sequence of str
        Which detectors are there to be compared with; which explain the clip classifier.
    truth : sequence of str
        Detectors that know the events, and are not ranked.
    reference : str
        The detector that others are compared with in `differences.csv`, and first on the page.
    protocols : mapping
        Name → threshold rule, whether its parameter is shared, choice of pairs; the first one is the page's own.
    metrics : sequence of str
        As the configuration names them.
    seed : int
        Whose scores are shown.
    passes : mapping
        Detector → forward passes per clip and backward passes per class, where it is known.
    max_mb, clips, audio
        Section `page` of the configuration.
    facts : mapping
        What is said under "Provenance": name → value.
    software : str
        How the software is cited.
    """

    experiment: str
    labels: Sequence[str]
    detectors: Sequence[str]
    drawn: Sequence[str]
    controls: Sequence[str]
    explanations: Sequence[str]
    truth: Sequence[str]
    reference: str
    protocols: Mapping[str, tuple[str, bool, str]]
    metrics: Sequence[str]
    seed: int
    passes: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    max_mb: float = 25
    clips: int = 60
    audio: str = "inline"
    facts: Mapping[str, str] = field(default_factory=dict)
    software: str = ""

    @property
    def protocol(self) -> str:
        """The protocol that is shown first."""
        return next(iter(self.protocols))
