"""What is drawn, and that Scaper renders what was drawn."""

import json
import shutil
from collections import Counter

import numpy as np
import pandas as pd
import pyloudnorm
import pytest
import soundfile
import sox
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from igsed import audio, events, mixtures, scaper_conversion
from igsed.errors import InputError
from tests.toys import recording

PAPER = mixtures.Protocol(10, 32000, (1, 3), (0.25, 4.2), (15.0, 25.0), 2, "replace", -50.0)
LABELS = ["Cat", "Dishes", "Dog", "Speech"]


def pool(durations=(0.5, 3.0, 12.0), labels=LABELS):
    rows = [(label, f"{label}/{k}.wav", duration) for label in labels for k, duration in enumerate(durations)]
    return pd.DataFrame(rows, columns=["label", "path", "duration"])


FOREGROUND, BACKGROUND = pool(), pool((9.0, 10.0, 15.25), ["room"])


def draw(index=0, protocol=PAPER, seed=1, split="test", foreground=FOREGROUND, background=BACKGROUND):
    return mixtures.draw(foreground, background, protocol, seed, split, index)


@pytest.fixture(scope="module")
def many():
    return [draw(k) for k in range(500)]


def test_clip_depends_on_nothing_but_its_index():
    forwards = [draw(k) for k in range(20)]
    assert [draw(k) for k in reversed(range(20))] == forwards[::-1]
    assert draw(17) == forwards[17]
    assert len({(m.seed, m.events) for m in forwards}) == 20


def test_splits_and_seeds_give_other_clips():
    assert len({draw(3), draw(3, split="train"), draw(3, split="validation"), draw(3, seed=2)}) == 4


def test_a_draw_is_pinned():
    """Clips of published results must not change unseen."""
    annotated = (
        mixtures.Event("Dog", "Dog/1.wav", onset=2.09, offset=4.698, snr=22.838),
        mixtures.Event("Cat", "Cat/0.wav", onset=2.49, offset=2.99, snr=18.135),
    )
    assert draw(17) == mixtures.Mixture("test_00017", 4169376614, "room/0.wav", 0.0, annotated)


CONDITIONS = mixtures.Conditions([-15, 5.0, 25], [2, 1, 3])


def variants(indices, conditions=CONDITIONS, protocol=PAPER, accept=lambda mixture: True):
    drawn = mixtures.draw_clips(FOREGROUND, BACKGROUND, protocol, 1, "test", indices, accept, conditions)
    return dict(zip(indices, drawn, strict=True))


def silent_of_snr(mixture):
    return [event._replace(snr=0) for event in mixture.events]


def test_without_conditions_clips_are_drawn_by_themselves():
    assert list(variants(range(20), None).values()) == [draw(k) for k in range(20)]


def test_variants_differ_only_in_snr_and_in_the_number_of_nested_events():
    found = variants(range(90))
    assert [found[k].clip for k in range(90)] == [f"test_{k:05d}" for k in range(90)]
    for base in range(10):
        here = {pair: found[9 * base + k] for k, pair in enumerate(CONDITIONS.variants)}
        assert len({(m.seed, m.background, m.background_start) for m in here.values()}) == 1
        assert {mixtures.base_name(m.clip, 9) for m in here.values()} == {f"test_{9 * base:05d}"}
        for (number, snr), mixture in here.items():
            assert len(mixture.events) == number
            assert {event.snr for event in mixture.events} == {snr}
            assert silent_of_snr(mixture) == silent_of_snr(here[number, 25])
            assert set(silent_of_snr(mixture)) <= set(silent_of_snr(here[3, 25]))
        assert set(silent_of_snr(here[1, 5])) < set(silent_of_snr(here[2, 5])) < set(silent_of_snr(here[3, 5]))
    # The first drawn, not the first heard.
    firsts = [found[9 * base + 3].events[0].onset == found[9 * base + 6].events[0].onset for base in range(10)]
    assert len(set(firsts)) == 2


def test_the_full_variant_holds_what_a_clip_of_as_many_events_would():
    full = PAPER._replace(events=(3, 3))
    for base in range(5):
        drawn, variant = draw(base, full), variants([9 * base + 8])[9 * base + 8]
        assert silent_of_snr(variant) == silent_of_snr(drawn)
        assert (variant.seed, variant.background) == (drawn.seed, drawn.background)


def test_variants_do_not_depend_on_how_they_are_spread_over_jobs():
    whole = variants(range(27))
    assert variants(range(4, 14)) | variants(range(20, 27)) == {k: whole[k] for k in (*range(4, 14), *range(20, 27))}


def test_a_base_is_asked_once_for_all_variants_and_left_out_with_them():
    asked = []
    variants(range(18), accept=lambda mixture: asked.append(mixture.clip) or True)
    assert asked == ["test_00000", "test_00001"]
    crowded = PAPER._replace(max_polyphony=1, on_overlap="remove")
    gone = [mixture is None for mixture in variants(range(90), protocol=crowded).values()]
    assert {tuple(gone[k : k + 9]) for k in range(0, 90, 9)} == {(True,) * 9, (False,) * 9}


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_every_clip_keeps_to_its_protocol(data):
    duration = data.draw(st.integers(1, 20))
    longest = data.draw(st.floats(0.05, duration))
    shortest = data.draw(st.floats(0.02, longest))
    fewest = data.draw(st.integers(1, 3))
    protocol = mixtures.Protocol(
        duration,
        data.draw(st.sampled_from([8000, 16000, 22050, 32000, 44100, 48000])),
        (fewest, fewest + data.draw(st.integers(0, 2))),
        (shortest, longest),
        (data.draw(st.floats(-10, 10)), data.draw(st.floats(10, 40))),
        data.draw(st.integers(3, 5)),
        data.draw(st.sampled_from(["replace", "remove"])),
        -50.0,
    )
    labels = data.draw(st.lists(st.sampled_from(LABELS), min_size=1, unique=True))
    foreground = pool(
        data.draw(st.lists(st.floats(0.02, 30).map(lambda s: int(1000 * s) / 1000), min_size=1, max_size=3)), labels
    )
    found = draw(data.draw(st.integers(0, 10**6)), protocol, foreground=foreground)
    if found is None:
        assert protocol.on_overlap == "remove"
        return
    assert protocol.events[0] <= len(found.events) <= protocol.events[1]
    assert found.polyphony <= protocol.max_polyphony
    assert list(found.events) == sorted(found.events, key=lambda e: (e.onset, e.offset))
    recordings = foreground.set_index("path")
    for event in found.events:
        assert recordings.loc[event.source, "label"] == event.label
        length, available = event.offset - event.onset, recordings.loc[event.source, "duration"]
        assert 0 <= event.onset < event.offset <= duration + 1e-9
        assert length <= min(available, longest) + 1e-9
        assert length >= min(available, shortest) - 0.001 - 1e-9
        assert protocol.snr[0] - 5e-4 <= event.snr <= protocol.snr[1] + 5e-4
        assert event.onset == round(event.onset, 3)
        assert event.offset == round(event.offset, 3)
    bed = BACKGROUND.set_index("path").loc[found.background, "duration"]
    assert 0 <= found.background_start <= max(0, bed - duration)


@pytest.mark.parametrize("rate", [8000, 11020, 16000, 22050, 24000, 32000, 44100, 48000, 96000])
@pytest.mark.parametrize("duration", [1, 10, 13])
def test_background_start_loses_no_sample(rate, duration):
    background = pool((60.0, 37.123), ["room"])
    for k in range(100):
        start = draw(
            k, PAPER._replace(duration=duration, event_duration=(0.1, 1)), background=background
        ).background_start
        assert int((start + duration) * rate) - int(start * rate) == duration * rate
        assert (1024 * start).is_integer(), "only then the line above holds for every start"


def test_remove_leaves_out_what_replace_draws_again():
    crowded = PAPER._replace(events=(2, 4), event_duration=(2.0, 4.2))
    replaced = [draw(k, crowded) for k in range(100)]
    removed = [draw(k, crowded._replace(on_overlap="remove")) for k in range(100)]
    kept = [m is not None for m in removed]
    assert 10 < sum(kept) < 90
    for old, new in zip(removed, replaced, strict=True):
        assert new.polyphony <= 2
        assert old is None or old == new
    unlimited = [draw(k, crowded._replace(max_polyphony=9)) for k in range(100)]
    assert [m.polyphony <= 2 for m in unlimited] == kept


def test_impossible_polyphony_is_told():
    crowded = PAPER._replace(duration=2, events=(3, 3), event_duration=(1.9, 2.0), max_polyphony=1)
    with pytest.raises(
        InputError, match=r"mixtures\.max_polyphony: no clip .* in 1000 attempts for clip test_00000\. Raise"
    ):
        draw(0, crowded, foreground=pool((5.0,)))


def lacking(*rows):
    """A pool of recordings `(label, duration, missing)`."""
    return pd.DataFrame(
        [(label, f"{label}{missing}/{k}.wav", duration, missing) for k, (label, duration, missing) in enumerate(rows)],
        columns=["label", "path", "duration", "missing"],
    )


EDGES = lacking(
    *(("Dog", duration, missing) for duration in (0.4, 3.0, 12.0) for missing in ("", "onset", "offset", "both")),
    ("Cat", 0.7, ""),
    ("Cat", 1.3, "onset"),
)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 12), st.floats(0.05, 1), st.booleans())
def test_missing_edges_lie_outside_the_clip(index, duration, share, cut):
    longest = share * duration
    protocol = PAPER._replace(
        duration=duration,
        event_duration=(min(0.25, longest), longest),
        max_polyphony=9,
        missing_edges="cut" if cut else "outside",
    )
    recordings = EDGES.set_index("path")
    for event in draw(index, protocol, foreground=EDGES).events:
        source = recordings.loc[event.source]
        length = event.offset - event.onset
        assert event.source_start >= 0
        assert event.source_start + length <= source["duration"] + 1e-9
        if cut or source["missing"] == "":
            assert event.source_start == 0
        elif source["missing"] == "onset":
            assert event.onset == 0
            assert event.source_start + length == pytest.approx(source["duration"])
        elif source["missing"] == "offset":
            assert (event.offset, event.source_start) == (duration, 0)
        else:
            assert (event.onset, event.offset) == (0, duration)
            assert longest >= duration


def test_all_kinds_of_edges_are_used():
    protocol = PAPER._replace(duration=4, event_duration=(0.25, 4.0), max_polyphony=9)
    used = {event.source.split("/")[0] for k in range(200) for event in draw(k, protocol, foreground=EDGES).events}
    assert used == {"Dog", "Dogonset", "Dogoffset", "Dogboth", "Cat", "Catonset"}
    assert mixtures.usable(EDGES, protocol).sum() == len(EDGES) - 2
    assert mixtures.usable(EDGES, PAPER).sum() == len(EDGES) - 3
    assert mixtures.usable(EDGES, PAPER._replace(missing_edges="cut")).all()


def test_edges_change_no_draw_without_them():
    plain = EDGES.drop(columns="missing")
    for k in range(50):
        expected = draw(k, foreground=plain)
        assert draw(k, foreground=plain.assign(missing="")) == expected
        assert draw(k, PAPER._replace(missing_edges="cut"), foreground=EDGES) == expected


def test_class_that_cannot_be_placed_is_told():
    only = lacking(("Frying", 9.0, "both"), ("Frying", 30.0, "both"), ("Dog", 2.0, ""))
    with pytest.raises(InputError, match=r"^mixtures\.missing_edges: of Frying the test split .*`missing_edges: cut`"):
        draw(0, foreground=only)
    assert draw(0, PAPER._replace(missing_edges="cut"), foreground=only).events


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
def test_last_part_keeps_within_the_recording(rate):
    """Scaper reads the samples from int(start × rate) to int((start + length) × rate)."""
    for frames in (int(0.4 * rate) + 1, 3 * rate, int(3.3337 * rate)):
        source = lacking(("Dog", int(1000 * frames / rate) / 1000, "onset"))
        for k in range(40):
            for event in draw(k, PAPER._replace(max_polyphony=9), foreground=source).events:
                length = round(event.offset - event.onset, 3)
                start, stop = int(event.source_start * rate), int((event.source_start + length) * rate)
                assert stop <= frames
                assert frames - stop <= rate / 1000 + 1
                assert abs(stop - start - length * rate) < 1 + 1e-6


def test_polyphony_of_classes():
    """Two dogs and a cat at once are three events, of two classes."""
    spans = (("Dog", 0.0, 3.0), ("Dog", 1.0, 4.0), ("Cat", 2.0, 5.0), ("Speech", 4.0, 6.0), ("Dog", 5.0, 6.0))
    annotated = tuple(mixtures.Event(label, "x", onset, offset, 20.0) for label, onset, offset in spans)
    clip = mixtures.Mixture("test_00000", 1, "b", 0.0, annotated)
    assert (clip.polyphony, clip.classes) == (3, 2)
    assert clip._replace(events=()).classes == 0
    crowded = PAPER._replace(duration=5, events=(3, 3), event_duration=(2.5, 3.0), max_polyphony=1)
    dogs = pool((5.0,), ["Dog"])
    with pytest.raises(InputError, match="at most 1 simultaneous events, all"):
        draw(0, crowded, foreground=dogs)
    assert draw(0, crowded._replace(polyphony_counts="classes"), foreground=dogs).polyphony > 1


def test_number_of_events_is_uniform():
    """Without the limit of polyphony, which favours clips with few events."""
    free = PAPER._replace(max_polyphony=9)
    counts = Counter(len(draw(k, free).events) for k in range(500))
    assert stats.chisquare([counts[n] for n in (1, 2, 3)]).pvalue > 0.001


def test_statistics_of_many_draws(many):
    drawn = [event for m in many for event in m.events]
    assert stats.chisquare(list(Counter(e.label for e in drawn).values())).pvalue > 0.001
    assert stats.chisquare(list(Counter(e.source for e in drawn).values())).pvalue > 0.001
    assert stats.chisquare(list(Counter(m.background for m in many).values())).pvalue > 0.001
    assert stats.kstest([e.snr for e in drawn], stats.uniform(15, 10).cdf).pvalue > 0.001
    whole = [e.offset - e.onset for e in drawn if e.source.endswith("/2.wav")]
    assert stats.kstest(whole, stats.uniform(0.25, 3.95).cdf).pvalue > 0.001
    alone = [m.events[0] for m in many if len(m.events) == 1]  # the limit of polyphony bends the onsets of others
    places = [e.onset / (10 - (e.offset - e.onset)) for e in alone]
    assert stats.kstest(places, stats.uniform(0, 1).cdf).pvalue > 0.001


def test_short_recordings_are_played_whole(many):
    short = [e.offset - e.onset for m in many for e in m.events if e.source.endswith("/0.wav")]
    assert max(short) == pytest.approx(0.5)
    # Of U(0.25, 4.2), (4.2 - 0.5) / 3.95 are longer than the recording.
    assert np.mean(np.isclose(short, 0.5)) == pytest.approx(3.7 / 3.95, abs=0.05)


def test_tables(many):
    some = [*many[:3], mixtures.Mixture("test_99999", 5, "room/0.wav", 0.0, ())]
    clips, annotated = mixtures.clip_table(some, "folder", 10), mixtures.event_table(some)
    assert clips.columns.tolist() == ["clip", "path", "duration", "seed", "polyphony"]
    assert clips.iloc[-1].tolist() == ["test_99999", "folder/test_99999.flac", 10, 5, 0]
    assert annotated.columns.tolist() == events.COLUMNS
    assert len(annotated) == sum(len(m.events) for m in some)
    assert annotated["filename"].iloc[0] == "test_00000.flac"


RATE = 16000
SMALL = PAPER._replace(duration=6, sample_rate=RATE)


@pytest.fixture
def bank(tmp_path):
    """Two recordings: noise as a room, and two seconds of a tone."""
    room = recording(tmp_path / "background" / "room" / "r_0.wav", seconds=8, rate=RATE)
    tone = tmp_path / "foreground" / "Dog" / "d_0.wav"
    tone.parent.mkdir(parents=True)
    soundfile.write(tone, 0.3 * np.sin(2 * np.pi * 1000 * np.arange(2 * RATE) / RATE), RATE)
    return room, tone


def mixture(bank, *spans, snr=20.0):
    room, tone = bank
    annotated = tuple(mixtures.Event("Dog", str(tone), onset, offset, snr) for onset, offset in spans)
    return mixtures.Mixture("test_00000", 7, str(room), 0.5, annotated)


def test_rendering_twice_gives_the_same_bytes(bank, tmp_path):
    made = []
    for name in ("one", "two"):
        waveform = mixtures.render(mixture(bank, (1.0, 2.5)), SMALL, tmp_path / f"{name}.jams")
        audio.write_flac(tmp_path / f"{name}.flac", waveform, RATE)
        made.append((waveform.tobytes(), (tmp_path / f"{name}.flac").read_bytes()))
    assert made[0] == made[1]


@pytest.mark.parametrize("rate", [RATE, 22050, 32000])
def test_length_and_type(bank, tmp_path, rate):
    waveform = mixtures.render(mixture(bank, (1.0, 2.5)), SMALL._replace(sample_rate=rate), tmp_path / "a.jams")
    assert (waveform.shape, waveform.dtype) == ((6 * rate,), np.float32)
    assert 0 < np.abs(waveform).max() <= 1


@pytest.mark.parametrize("snr", [10.0, 25.0])
def test_loudness_is_as_asked(bank, tmp_path, snr):
    meter = pyloudnorm.Meter(RATE)
    room = mixtures.render(mixture(bank), SMALL, tmp_path / "room.jams")
    both = mixtures.render(mixture(bank, (1.0, 2.5), snr=snr), SMALL, tmp_path / "both.jams")
    assert meter.integrated_loudness(room) == pytest.approx(SMALL.ref_db, abs=0.2)
    event = both - room
    inside = slice(RATE, int(2.5 * RATE))
    assert meter.integrated_loudness(event[inside]) - SMALL.ref_db == pytest.approx(snr, abs=0.5)
    event[inside] = 0
    assert np.abs(event).max() < 1e-6


def test_annotation_is_kept(bank, tmp_path):
    mixtures.render(mixture(bank, (1.0, 2.5), (3.25, 4.0)), SMALL, tmp_path / "a.jams")
    observed = json.loads((tmp_path / "a.jams").read_text())["annotations"][0]["data"]
    found = [(o["time"], o["duration"], o["value"]["label"]) for o in observed if o["value"]["role"] == "foreground"]
    assert found == [(1.0, 1.5, "Dog"), (3.25, 0.75, "Dog")]


def test_clipping_is_scaled_down_as_a_whole(bank, tmp_path):
    loud = mixtures.render(mixture(bank, (1.0, 2.5), snr=70.0), SMALL, tmp_path / "a.jams")
    assert np.abs(loud).max() == pytest.approx(1, abs=1e-6)
    room = mixtures.render(mixture(bank), SMALL, tmp_path / "b.jams")
    scale = np.abs(loud[:RATE]).max() / np.abs(room[:RATE]).max()
    assert scale < 0.9
    np.testing.assert_allclose(loud[:RATE], scale * room[:RATE], atol=1e-6)
    tone = loud[RATE + RATE // 50 : 2 * RATE]
    assert np.abs(tone).max() / tone.std() == pytest.approx(2**0.5, abs=0.02)  # a sine, its tops not cut off


def test_short_background_is_repeated(bank, tmp_path):
    recording(bank[0], seconds=2, rate=RATE)
    short = mixture(bank)._replace(background_start=0.0)
    waveform = mixtures.render(short, SMALL, tmp_path / "a.jams")
    np.testing.assert_allclose(waveform[: 2 * RATE], waveform[2 * RATE : 4 * RATE], atol=1e-4)


def test_event_begins_where_it_should_in_its_source(bank, tmp_path):
    low, high = (0.3 * np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE) for hertz in (500, 3000))
    soundfile.write(bank[1], np.concatenate([low, high]), RATE)
    for start, hertz in ((0, 500), (1.0, 3000)):
        annotated = (mixtures.Event("Dog", str(bank[1]), 2.0, 3.0, 40.0, start),)
        waveform = mixtures.render(mixture(bank)._replace(events=annotated), SMALL, tmp_path / "a.jams")
        spectrum = np.abs(np.fft.rfft(waveform[2 * RATE : 3 * RATE]))
        assert spectrum.argmax() == hertz
        data = json.loads((tmp_path / "a.jams").read_text())["annotations"][0]["data"]
        assert [o["value"]["source_time"] for o in data if o["value"]["role"] == "foreground"] == [start]


@pytest.mark.parametrize(("rate", "channels"), [(16000, 4), (44100, 2), (11025, 1), (48000, 6)])
def test_any_rate_and_number_of_channels_of_sources(bank, tmp_path, rate, channels):
    """As SINS (16 kHz, four channels) and TUT (44.1 kHz, two) are; below the mixture's rate the upper band is empty."""
    for path, seconds in zip(bank, (6, 2), strict=True):
        recording(path, seconds=seconds, rate=rate, channels=channels, seed=len(path.name))
    protocol = SMALL._replace(sample_rate=32000)
    still = mixture(bank, (1.0, 2.5))._replace(background_start=0.0)
    waveform = mixtures.render(still, protocol, tmp_path / "a.jams")
    assert waveform.shape == (6 * 32000,)
    power = np.abs(np.fft.rfft(waveform)) ** 2
    hertz = np.fft.rfftfreq(len(waveform), 1 / 32000)
    share = power[hertz > 0.53 * rate].sum() / power.sum()
    assert share < 1e-4


def test_shortest_event(bank, tmp_path):
    waveform = mixtures.render(mixture(bank, (1.0, 1.02)), SMALL, tmp_path / "a.jams")
    assert waveform.shape == (6 * RATE,)


def test_no_program_is_needed(bank, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    room = recording(bank[0], seconds=8, rate=44100, channels=2)
    assert mixtures.render(mixture((room, bank[1])), SMALL, tmp_path / "a.jams").std() > 0


@pytest.mark.parametrize(("rate", "channels"), [(RATE, 1), (16000, 4), (44100, 2), (11025, 1), (48000, 6)])
def test_sounds_are_converted_as_by_sox(rate, channels):
    """By the program, which Scaper would start; loud enough to be cut off at full scale by it in places."""
    if shutil.which("sox") is None:
        pytest.skip("the program sox, to compare with, is missing")
    sound = np.random.default_rng(3).normal(0, 0.35, (rate, channels)).clip(-1, 1)
    theirs, ours = sox.Transformer(), scaper_conversion.Transformer()
    for transformer in (theirs, ours):
        transformer.convert(samplerate=RATE, n_channels=1, bitdepth=None)
        transformer.set_output_format(rate=RATE, channels=1)
    found, wanted = (each.build_array(input_array=sound, sample_rate_in=rate) for each in (ours, theirs))
    assert len(found) == len(wanted)
    inside = slice(100, -100)  # what is taken to lie beyond the ends differs
    assert (found.clip(-1, 1) - wanted)[inside].std() < 1e-3 * wanted.std()


def scaled(bank, factor, offset=0.0, subtype="FLOAT"):
    """Let the tone of the bank begin loudly and decay, and be another many times larger, above an offset."""
    tone = np.sin(2 * np.pi * 1000 * np.arange(2 * RATE) / RATE) * np.exp(-np.arange(2 * RATE) / RATE)
    soundfile.write(bank[1], factor * tone + offset, RATE, subtype=subtype)
    return tone


@pytest.mark.parametrize("remove_offset", [True, False])
@pytest.mark.parametrize("place", [0, 1])
def test_a_part_that_is_constant_is_not_audible(bank, place, remove_offset):
    samples, _ = audio.read(bank[place])
    soundfile.write(bank[place], np.concatenate([np.full(8 * RATE, 0.3), samples]), RATE, subtype="FLOAT")
    assert not mixtures.audible(mixture(bank, (1.0, 2.5)), SMALL._replace(remove_offset=remove_offset))


@given(st.floats(1.01, 1e6), st.sampled_from([0, 1]))
@settings(deadline=None, max_examples=10)
def test_a_source_above_full_scale_is_mixed_as_if_it_were_below(tmp_path_factory, factor, place):
    """As background or as event; cut off at ±1, it would be another sound."""
    folder, made = tmp_path_factory.mktemp("bank"), []
    pair = [folder / kind / "x" / "a_0.wav" for kind in ("background", "foreground")]
    for path in pair:
        recording(path, seconds=6, rate=RATE, seed=len(str(path)))
    samples = audio.read(pair[place])[0]
    for scale in (1 / np.abs(samples).max(), factor):
        soundfile.write(pair[place], scale * samples, RATE, subtype="FLOAT")
        made.append(mixtures.render(mixture(pair, (1.0, 2.5)), SMALL, folder / "a.jams"))
    np.testing.assert_allclose(made[1], made[0], atol=1e-6)


def test_what_overshoots_by_resampling_is_not_cut(bank, tmp_path):
    """A square wave at full scale rises above it between its samples."""
    square = np.repeat(np.tile([0.999, -0.999], 2000), 11)
    soundfile.write(bank[1], square, 22050, subtype="FLOAT")
    protocol, made = SMALL._replace(sample_rate=32000), []
    for level in (1, 0.1):
        soundfile.write(bank[1], level * square, 22050, subtype="FLOAT")
        made.append(mixtures.render(mixture(bank, (1.0, 2.5)), protocol, tmp_path / "a.jams"))
    np.testing.assert_allclose(made[1], made[0], atol=1e-6)


@pytest.mark.parametrize("remove_offset", [True, False])
def test_an_offset_is_taken_away_before_mixing_if_wanted(bank, tmp_path, remove_offset):
    protocol, made = SMALL._replace(remove_offset=remove_offset), []
    for offset in (0.0, 0.4):
        scaled(bank, 0.3, offset)
        made.append(mixtures.render(mixture(bank, (1.0, 2.5)), protocol, tmp_path / "a.jams"))
    difference = np.abs(made[1] - made[0]).max()
    assert difference < 1e-5 if remove_offset else difference > 0.01


def test_the_offset_is_that_of_the_whole_recording(bank, tmp_path):
    """Of a part, the mean may be part of the sound."""
    low = 0.3 * np.sin(2 * np.pi * 0.5 * np.arange(2 * RATE) / RATE)
    soundfile.write(bank[1], low, RATE, subtype="FLOAT")
    sounds = scaper_conversion.Sounds({}, remove_offset=True)
    part, _ = sounds.part(str(bank[1]), 0, 1)
    np.testing.assert_allclose(part, low[:RATE], atol=1e-6)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize(("rate", "channels"), [(RATE, 1), (44100, 2), (11025, 3)])
def test_recordings_with_nothing_special_are_mixed_as_by_plain_scaper(
    bank, tmp_path, monkeypatch, subtype, rate, channels
):
    for path in bank:
        noise = np.random.default_rng(len(path.name)).uniform(-0.4, 0.4, (6 * rate + 7, channels))
        soundfile.write(path, noise, rate, subtype=subtype)
    scene, protocol = mixture(bank, (1.0, 2.5), (0.5, 3.0)), SMALL._replace(remove_offset=False)
    scene = scene._replace(background_start=0.25)
    made, jams = [], tmp_path / "a.jams"
    for _ in range(2):
        made.append((mixtures.render(scene, protocol, jams).tobytes(), jams.read_text()))
        monkeypatch.setattr(scaper_conversion, "Sounds", lambda *_: soundfile)  # what Scaper itself uses
    assert made[0] == made[1]


@pytest.mark.parametrize("place", [0, 1])
def test_a_source_whose_header_lies_is_mixed_as_a_true_one(bank, tmp_path, place):
    """Scaper repeats a background by its stated duration, which in such a file is none, or ages."""
    recording(bank[0], seconds=2, rate=RATE)
    scene, made = mixture(bank, (1.0, 2.5))._replace(background_start=0.0), []
    content = bank[place].read_bytes()
    flac = tmp_path / "a.flac"
    soundfile.write(flac, *soundfile.read(bank[place]))
    unknown = bytearray(flac.read_bytes())
    unknown[21:26] = bytes([unknown[21] & 0xF0, 0, 0, 0, 0])
    for lie in (content, content[:40] + bytes(4) + content[44:], content[:40] + b"\xff" * 4 + content[44:], unknown):
        bank[place].write_bytes(lie)
        assert mixtures.audible(scene, SMALL)
        made.append(mixtures.render(scene, SMALL, tmp_path / "a.jams").tobytes())
    assert len(set(made)) == 1


def test_of_an_indexed_recording_only_what_is_heard_is_read(bank, tmp_path, monkeypatch):
    room, tone = bank
    recording(room, seconds=60, rate=RATE)
    index = pd.DataFrame([_facts(room), _facts(tone)], columns=["path", *audio.Facts._fields])
    seconds, read = [], audio.read

    def counted(path, start, end, dtype):
        seconds.append(end - start)
        return read(path, start, end, dtype)

    monkeypatch.setattr(audio, "read", counted)
    monkeypatch.setattr(audio, "load", None)
    scene, recordings = mixture(bank, (1.0, 2.5)), mixtures.sounds(index, SMALL)
    assert mixtures.audible(scene, SMALL, recordings)
    mixtures.render(scene, SMALL, tmp_path / "a.jams", recordings)
    assert sorted(seconds) == pytest.approx([1.5, 1.5, 6, 6])


def _facts(path):
    found = audio.load(path)
    return (str(path), *audio.measure(found.waveform, found.sample_rate))


def test_mixtures_of_several_channels_are_refused():
    with pytest.raises(ValueError, match="2 channels; mixtures are mono"):
        scaper_conversion.Transformer().set_output_format(rate=RATE, channels=2)


@given(
    levels=st.lists(st.sampled_from([0, 1e-9, 1e-4, 2e-4, 3e-4, 4e-4, 6e-4, 1e-2]), min_size=1, max_size=30),
    samples=st.integers(200, 2000),
)
@settings(deadline=None, max_examples=60)
def test_a_part_is_heard_where_its_loudness_is_above_the_gate(levels, samples):
    noise = np.random.default_rng(0).normal(0, 1, len(levels) * samples) * np.repeat(levels, samples)
    waveform = noise.astype(np.float32)
    loudness = mixtures._scaper().audio.get_integrated_lufs(waveform[:, None], RATE)
    assert mixtures._heard(waveform, RATE) == (loudness > -70)


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("level", [0.0, 1e-5])
def test_a_mixture_with_a_silent_part_is_not_audible(bank, place, level):
    """Scaper itself takes silence as -70 LUFS and places an event that nobody hears."""
    samples, _ = audio.read(bank[place])
    samples = np.concatenate([level * samples[: RATE + RATE // 2], samples])
    soundfile.write(bank[place], samples, RATE, subtype="FLOAT")
    silent = mixture(bank, (1.0, 2.0))._replace(background_start=0.25)
    assert not mixtures.audible(silent, SMALL._replace(duration=1))
    heard = mixture(bank, (1.0, 3.5))._replace(background_start=1.5)
    assert mixtures.audible(heard, SMALL._replace(duration=3))


def test_what_is_not_accepted_is_drawn_again_whatever_happens_to_crowded_clips():
    pools = FOREGROUND, BACKGROUND
    for on_overlap in ("replace", "remove"):
        protocol = PAPER._replace(on_overlap=on_overlap, max_polyphony=3)
        first = mixtures.draw(*pools, protocol, 5, "test", 0)
        second = mixtures.draw(*pools, protocol, 5, "test", 0, lambda found, first=first: found != first)
        assert second is not None
        assert second.seed != first.seed
    with pytest.raises(InputError, match="all of them audible"):
        mixtures.draw(*pools, PAPER, 5, "test", 0, lambda found: False)


def test_shards_are_gathered_in_order(tmp_path):
    spans = {0: [0, 1], 1: [], 2: [3]}
    for shard, clips in spans.items():
        folder = tmp_path / str(shard)
        for part in ("audio", "jams"):
            (folder / part).mkdir(parents=True)
        made = [
            mixtures.Mixture(mixtures.clip_name("test", k), k, "b", 0.0, (mixtures.Event("Dog", "d", 1.0, 2.0, 20.0),))
            for k in clips
        ]
        for m in made:
            (folder / "audio" / f"{m.clip}.flac").write_text(m.clip)
            (folder / "jams" / f"{m.clip}.jams").write_text(m.clip)
        mixtures.clip_table(made, folder / "audio", 10).to_csv(folder / "clips.csv", index=False)
        events.write(folder / "events.tsv", mixtures.event_table(made))
    shards = [tmp_path / str(k) for k in spans]
    found, annotated = mixtures.gather(shards, tmp_path / "audio", tmp_path / "jams", "results/audio")
    names = ["test_00000", "test_00001", "test_00003"]
    assert found["clip"].tolist() == names
    assert found["path"].tolist() == [f"results/audio/{name}.flac" for name in names]
    assert found["seed"].tolist() == [0, 1, 3]
    assert annotated["filename"].tolist() == [f"{name}.flac" for name in names]
    for name in names:
        assert (tmp_path / "audio" / f"{name}.flac").read_text() == name
        assert (tmp_path / "jams" / f"{name}.jams").read_text() == name
    for keep, left in ((2, names[:2]), (9, names)):
        audio_folder, jams_folder = tmp_path / f"audio{keep}", tmp_path / f"jams{keep}"
        found, annotated = mixtures.gather(shards, audio_folder, jams_folder, "results/audio", keep=keep)
        assert found["clip"].tolist() == left
        assert annotated["filename"].tolist() == [f"{name}.flac" for name in left]
        assert sorted(path.stem for path in audio_folder.iterdir()) == left
        assert sorted(path.stem for path in jams_folder.iterdir()) == left
