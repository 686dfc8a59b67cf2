"""The section `mixtures`."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from igsed.settings import Count, Finite, Section

if TYPE_CHECKING:
    from igsed.mixtures import Protocol


class PerSplit(Section):
    """Numbers of clips per split."""

    train: Count = Field(description="training clips")
    validation: Count = Field(description="validation clips")
    test: Count = Field(description="test clips")


class Conditions(Section):
    """Test clips as variants of the same base clips, so that they differ in nothing but these conditions."""

    snr: Annotated[list[Finite], Field(min_length=1)] = Field(
        description="event-to-background differences in loudness, dB (LUFS), each of all events of a variant"
    )
    events: Annotated[list[Count], Field(min_length=1)] = Field(
        description="numbers of events; a base clip is drawn with the largest, of which a variant keeps the first drawn"
    )

    @model_validator(mode="after")
    def _distinct(self):
        for name in ("snr", "events"):
            values = getattr(self, name)
            if len(set(values)) < len(values):
                raise ValueError(f"{name}: a value of {values} occurs twice; remove the repetition")
        return self

    @property
    def variants(self) -> int:
        """Clips made of each base clip."""
        return len(self.snr) * len(self.events)


class Mixtures(Section):
    """How clips are mixed (Scaper)."""

    clips: PerSplit = Field(description="clips per split, drawn")
    keep: PerSplit | None = Field(
        None, description="clips per split, at most, that stay of those that `on_overlap: remove` leaves; null: all"
    )
    duration: Count = Field(10, description="length of a clip, whole seconds")
    sample_rate: Annotated[int, Field(ge=8000, le=192000, multiple_of=10)] = Field(
        32000, description="samples per second; a multiple of 10, so that frames of 100 ms are whole"
    )
    events: tuple[Count, Count] = Field((1, 3), description="fewest and most events in a clip")
    event_duration: tuple[Annotated[Finite, Field(ge=0.02)], Annotated[Finite, Field(ge=0.02)]] = Field(
        (0.25, 4.2),
        description="shortest and longest event, s, with Scaper's fades of 10 ms; a shorter recording is played whole",
    )
    snr: tuple[Finite, Finite] = Field(
        (15.0, 25.0), description="lowest and highest event-to-background difference in loudness, dB (LUFS)"
    )
    missing_edges: Literal["outside", "cut"] = Field(
        "outside",
        description="how a recording without onset or offset (DESED's `_nOn`, `_nOff`) is placed: with the missing "
        "edge outside the clip, or cut like any other, so that the sound starts and stops where the annotation says",
    )
    remove_offset: bool = Field(
        True,
        description="whether a recording's mean (a constant offset, which no one hears) is taken away before it is "
        "mixed, and likewise from `recordings`",
    )
    max_polyphony: Count = Field(2, description="most events active at once")
    polyphony_counts: Literal["events", "classes"] = Field(
        "events", description="what `max_polyphony` counts: events of any class (Scaper's count), or distinct classes"
    )
    on_overlap: Literal["replace", "remove"] = Field(
        "replace",
        description="what to do with a clip above `max_polyphony`: draw it again, or leave it out as the paper did",
    )
    ref_db: Annotated[float, Field(ge=-70, le=0)] = Field(-50.0, description="loudness of the background, LUFS")
    conditions: Conditions | None = Field(
        None,
        description="makes the test clips variants of base clips: one for each of `snr` and `events`, with the same "
        "background and onsets, instead of the ranges `snr` and `events`; `clips.test` counts variants; null: each "
        "clip is drawn by itself",
    )
    shard: Count = Field(50, description="clips per mixing job")

    @model_validator(mode="after")
    def _possible(self):
        for name in ("events", "event_duration", "snr"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(
                    f"{name}: the lower end {low} is above the upper end {high}; write the lower one first"
                )
        if self.keep and self.on_overlap != "remove":
            raise ValueError("keep: needs on_overlap: remove, since no drawn clip is left out otherwise; remove one")
        for split, kept in self.keep or ():
            if kept > (drawn := getattr(self.clips, split)):
                raise ValueError(f"keep.{split}: {kept} is more than the {drawn} of clips.{split}; draw more")
        if self.conditions:
            self._check_variants(self.conditions)
        if self.event_duration[1] > self.duration:
            raise ValueError(
                f"event_duration: events of up to {self.event_duration[1]} s do not fit into clips of "
                f"{self.duration} s; lower event_duration or raise duration"
            )
        return self

    @property
    def protocol(self) -> "Protocol":
        """What of this section each clip is made by."""
        from igsed.mixtures import Protocol  # here, so that reading a configuration needs no sound library

        return Protocol(**{name: getattr(self, name) for name in Protocol._fields})

    def _check_variants(self, conditions: Conditions) -> None:
        """Refuse test clips of which the last base would lack variants."""
        for key, number in {"clips": self.clips.test, **({"keep": self.keep.test} if self.keep else {})}.items():
            if rest := number % conditions.variants:
                raise ValueError(
                    f"{key}.test: {number} is no multiple of the {conditions.variants} variants that conditions make "
                    f"of each base clip ({len(conditions.snr)} snr × {len(conditions.events)} events); write "
                    f"{number - rest + conditions.variants}"
                )

    def numbers_of_events(self, split: str) -> list[int]:
        """How many events clips of a split have, one number as often as the other."""
        if self.conditions and split == "test":
            return self.conditions.events
        return list(range(self.events[0], self.events[1] + 1))
