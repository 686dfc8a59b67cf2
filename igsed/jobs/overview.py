"""How far a run of many jobs has got, and about how long it will still take.

The time left is the expected seconds of the jobs that are not done, divided by the number of jobs that have worked at
the same time so far. A job is expected to take as long as those of its kind (rule and detector) have taken on average,
else those of its rule, else what `TYPICAL` says, times how much slower or faster than that this run has been. `igsed
forecast` knows more, but measures for two minutes.

On a cluster a job begins when it is submitted, and nobody here knows whether it works or waits. So what jobs took is
then what they measured themselves, how many worked at the same time follows from those that are done, and a job that is
submitted counts as one of which nothing is done.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

from igsed.jobs.progress import clock

TYPICAL = {
    "features": 16.0,
    "train": 12.0,
    "attribute": 9.0,
    "metrics": 8.0,
    "make_soundbank": 8.0,
    "strata": 6.0,
    "mix": 4.5,
    "mask": 3.5,
    "evaluate": 3.0,
}
"""Seconds of a job of the slower rules in the default experiment on two cores; of the others about `_LIGHT`."""

_LIGHT = 2.0
_WHO = ("detector", "source", "masks", "model")
"""Wildcards that say whose scores or weights a job makes."""

Kind = tuple[str, str]


@dataclass
class _Mean:
    seconds: float = 0.0
    count: int = 0

    def add(self, seconds: float) -> None:
        self.seconds, self.count = self.seconds + seconds, self.count + 1

    def value(self) -> float | None:
        return self.seconds / self.count if self.count else None


class Overview:
    """The jobs of a run, counted.

    Parameters
    ----------
    jobs : iterable of (str, mapping)
        Rule and wildcards of every job that is to be done.
    now : float
        Seconds on some clock, here and in all methods.
    queued : bool
        Whether jobs that have begun may wait, as on a cluster.
    """

    def __init__(self, jobs: Iterable[tuple[str, Mapping[str, str]]], now: float, queued: bool = False):
        self._queued = queued
        self.waiting = Counter(_kind(rule, wildcards) for rule, wildcards in jobs)
        self.total, self.done, self._begun = sum(self.waiting.values()), 0, now
        self._running: dict[Hashable, tuple[Kind, float, str]] = {}
        self._times: dict[Hashable, _Mean] = {}
        self._worked = self._typically = 0.0

    def begin(self, job: Hashable, rule: str, wildcards: Mapping[str, str], now: float) -> None:
        """A job begins."""
        kind = _kind(rule, wildcards)
        self.waiting[kind] -= self.waiting[kind] > 0
        self._running[job] = kind, now, _name(rule, wildcards)

    def end(self, job: Hashable, now: float, seconds: float | None = None) -> None:
        """A job is done; `seconds` is what it says it took, if it says so. That counts only where jobs may wait."""
        if job not in self._running:
            return
        (rule, who), begun, _ = self._running.pop(job)
        self.done += 1
        took = seconds if self._queued and seconds is not None else now - begun
        for key in ((rule, who), rule):
            self._times.setdefault(key, _Mean()).add(took)
        self._worked += took
        self._typically += TYPICAL.get(rule, _LIGHT)

    def fail(self, job: Hashable, now: float) -> None:
        """A job has failed; if it is tried again, it begins again."""
        if job in self._running:
            kind, begun, _ = self._running.pop(job)
            self.waiting[kind] += 1
            self._worked += 0.0 if self._queued else now - begun

    def left(self, now: float) -> float | None:
        """Seconds that the run will about still take; None before a job has ended."""
        if not self.done or now <= self._begun:
            return None
        running = [
            (self._expected(kind), 0.0 if self._queued else now - begun) for kind, begun, _ in self._running.values()
        ]
        rest = [max(0.0, expected - elapsed) for expected, elapsed in running]
        work = sum(rest) + sum(count * self._expected(kind) for kind, count in self.waiting.items())
        together = (self._worked + sum(elapsed for _, elapsed in running)) / (now - self._begun)
        # Where jobs may wait, what they took does not hold the time in which they waited: few may seem to work.
        return max([work / max(together, 1e-6 if self._queued else 0.5), *rest])

    def _expected(self, kind: Kind) -> float:
        for key in (kind, kind[0]):
            if key in self._times:
                return self._times[key].value() or 0.0
        return TYPICAL.get(kind[0], _LIGHT) * self._worked / (self._typically or 1.0)

    def share(self) -> float:
        """How many of the jobs are done, 0…1."""
        return self.done / self.total if self.total else 1.0

    def text(self, now: float) -> str:
        """The run in a line: the job that began last, the jobs that are done, the time left.

        Examples
        --------
        >>> run = Overview([("mix", {"shard": "0"}), ("attribute", {"source": "ig", "seed": "0"})], 0)
        >>> run.begin(1, "mix", {"shard": "0"}, 0)
        >>> run.end(1, 4)
        >>> run.begin(2, "attribute", {"source": "ig", "seed": "0"}, 4)
        >>> run.text(5)
        'attribute (ig, seed 0) · 1 of 2 jobs · about 0:10 left'
        """
        parts = [f"{self.done} of {self.total} jobs"]
        if self._running:
            parts.insert(0, max(self._running.values(), key=lambda running: running[1])[2])
        seconds = self.left(now)
        if seconds is not None and self.done < self.total:
            parts.append(f"about {clock(_round(seconds))} left")
        return " · ".join(parts)


def _round(seconds: float) -> float:
    """To ten seconds, from ten minutes on to one, from ten hours on to ten: more is not known."""
    step = 10 if seconds < 600 else 60 if seconds < 36000 else 600
    return max(step, step * round(seconds / step))


def _kind(rule: str, wildcards: Mapping[str, str]) -> Kind:
    return rule, next((wildcards[name] for name in _WHO if name in wildcards), "")


def _name(rule: str, wildcards: Mapping[str, str]) -> str:
    """A job for people: `attribute (ig, seed 0, test)`; which of several shards it is says little."""
    of = [f"seed {value}" if name == "seed" else value for name, value in wildcards.items() if name != "shard"]
    return f"{rule.replace('_', ' ')} ({', '.join(of)})" if of else rule.replace("_", " ")
