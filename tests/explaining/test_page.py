"""The page and the notebook's view: whole, bounded, escaped, the same bytes for the same explanation."""

import base64
import dataclasses
import io
import json
import re
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import igsed
from igsed.classifier import Classifier
from igsed.errors import InputError
from igsed.explaining import formats, models, page, shown
from igsed.explaining.streams import Recording
from igsed.report import figures
from tests.toys import RATE, Toy

HOSTILE = "<img src=x onerror=hacked(1)>'\"&amp;</script>"
LABELS = ("Cat", HOSTILE, "Speech")
SUFFIXES = {".css", ".html", ".js"}


def model():
    head = nn.Linear(3, 3)
    head.load_state_dict(
        {"weight": torch.randn(3, 3, generator=torch.Generator().manual_seed(2)), "bias": torch.ones(3)}
    )
    return models.Model("toy", LABELS, Classifier(Toy(), head).eval(), 10.0)


def noise(seconds, seed=0):
    generator = np.random.default_rng(seed)
    envelope = np.repeat(generator.uniform(0.05, 1, int(seconds) + 1), RATE)[: round(seconds * RATE)]
    return envelope * generator.uniform(-0.5, 0.5, round(seconds * RATE))


class Elements(HTMLParser):
    """The elements of a page with their attributes, and its text outside scripts and styles."""

    def __init__(self, text):
        super().__init__()
        self.found, self.text, self._within = [], "", ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        self._within = tag

    def handle_endtag(self, tag):
        self._within = ""

    def handle_data(self, data):
        if self._within not in ("script", "style"):
            self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


def sound_in(text):
    address = Elements(text).all("audio")[0]["src"]
    return soundfile.read(io.BytesIO(base64.b64decode(address.partition(",")[2])))


@pytest.fixture(scope="module")
def found():
    return igsed.explain(noise(23.45), RATE, LABELS, model=model(), floor=0, name=HOSTILE)


def test_it_has_sound_curves_events_and_what_the_terminal_says(found):
    text = page.html(found)
    elements = Elements(text)
    samples, rate = sound_in(text)
    assert len(samples) / rate == pytest.approx(23.45, abs=0.01)
    assert len(elements.all("path")) == 3
    assert len([one for one in elements.all("span") if one.get("class") == "event"]) == len(found.events)
    for event in found.events.itertuples():
        assert f"{event.onset:.1f}–{event.offset:.1f}" in elements.text
        assert event.note in elements.text
    assert found.accuracy in elements.text
    assert "Only the first" not in elements.text


def test_what_is_missing_is_told():
    """Where no class is probable, and where a probable one has no times; on the page and in a notebook."""
    quiet = igsed.explain(noise(3), RATE, model=model(), minimum=3.0)
    quiet.labels["probability"] = 0.4
    for text in (page.html(quiet), quiet._repr_html_()):
        told = Elements(text).text
        assert "No class has a probability of at least 0.5" in told
        assert "no event is as long as 3 s" in told


def test_an_experiments_method_is_told(found):
    told = dataclasses.replace(found, settings=found.settings | {"origin": "ig as in results/<b> (n_steps 4)"})
    assert f"{found.method}: ig as in results/<b> (n_steps 4)" in Elements(page.html(told)).text


def test_it_loads_nothing_and_escapes_names(found):
    for text in (page.html(found), found._repr_html_()):
        elements = Elements(text)
        assert HOSTILE in elements.text
        assert not any("onerror" in attributes for _, attributes in elements.found)
        addresses = [
            value for _, attributes in elements.found for key, value in attributes.items() if key in ("src", "href")
        ]
        assert all(address.startswith(("data:", "#")) for address in addresses)
        assert not re.search(r"@import|url\(", text)


def test_the_same_explanation_gives_the_same_bytes(found):
    assert page.html(found) == page.html(found)
    again = igsed.explain(noise(23.45), RATE, LABELS, model=model(), floor=0, name=HOSTILE)
    assert page.html(again) == page.html(found)


def test_a_long_recording_is_cut_and_the_page_says_so(monkeypatch):
    monkeypatch.setattr(page, "LONGEST", 15.0)
    found = igsed.explain(noise(40), RATE, LABELS, model=model(), floor=0, minimum=1)
    text = page.html(found)
    assert "Only the first 15.0 s are shown" in Elements(text).text
    samples, rate = sound_in(text)
    assert len(samples) / rate == pytest.approx(15.0, abs=0.01)
    data = json.loads(re.search(r'id="numbers">(.*?)</script>', text)[1])
    assert data["frames"] == 150
    for one, label, counted in zip(data["classes"], LABELS, found.counted, strict=True):
        scores = np.frombuffer(base64.b64decode(one["scores"]))
        np.testing.assert_array_equal(scores, counted[: len(scores)])
        assert 150 < len(scores) < 170
        assert (one["low"], one["high"]) == (counted.min(), counted.max())
        own = found.events[(found.events["label"] == label) & (found.events["onset"] < 15)]
        assert [event[0] for event in one["events"]] == own["onset"].tolist()
        assert max((event[1] for event in one["events"]), default=0) <= 15


def test_without_matplotlib_only_the_spectrogram_is_missing(found, monkeypatch):
    whole = Elements(page.html(found))
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib" or "report.figures" in name]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "igsed.report.figures", None)
    monkeypatch.delattr("igsed.report.figures", raising=False)
    bare = Elements(page.html(found))
    assert (len(whole.all("img")), len(bare.all("img"))) == (1, 0)
    assert len(bare.all("path")) == 3


def test_a_recording_that_is_gone_is_told_by_the_page_and_left_out_in_a_notebook(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, noise(5), RATE)
    found = igsed.explain(path, model=model())
    path.unlink()
    with pytest.raises(igsed.errors.InputError, match="no such file"):
        page.html(found)
    elements = Elements(found._repr_html_())
    assert not elements.all("audio")
    assert "cannot be heard" in elements.text


def test_python_plots_and_saves_every_format(tmp_path):
    pytest.importorskip("matplotlib")
    short = igsed.explain(noise(3), RATE, LABELS, model=model(), name=HOSTILE)
    axes = short.plot().axes
    assert len(axes) == 1 + len(LABELS) + 1  # spectrogram, curves, the scale of the colours
    for name, one in formats.FORMATS.items():
        short.save(name, tmp_path / f"x{one.ending}")
        assert (tmp_path / f"x{one.ending}").stat().st_size
    with pytest.raises(InputError, match="did you mean 'json'"):
        short.save("jsn", tmp_path / "x")


def test_a_notebook_shows_sound_curves_and_events_of_the_first_minute(monkeypatch):
    """Without IPython, which other libraries may have imported."""
    for name in {"IPython", *(name for name in sys.modules if name.split(".")[0] == "IPython")}:
        monkeypatch.setitem(sys.modules, name, None)
    found = igsed.explain(noise(200), RATE, LABELS, model=model(), floor=0)
    text = found._repr_html_()
    samples, rate = sound_in(text)
    assert len(samples) / rate == pytest.approx(60, abs=0.01)
    elements = Elements(text)
    assert "Shown are its first 60.0 s" in elements.text
    assert len(elements.all("path")) == 3
    assert not elements.all("script")
    assert len(text) < 3e6


def test_a_notebook_names_no_more_events_than_can_be_read(found):
    import dataclasses

    import pandas as pd

    events = pd.concat([found.events] * 60, ignore_index=True)
    elements = Elements(dataclasses.replace(found, events=events)._repr_html_())
    assert len(elements.all("tr")) < 60


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=40))
def test_an_outline_has_the_curves_heights(values):
    scores = np.array(values, float)
    low, high = scores.min(), scores.max()
    path = shown.outline(scores, low, high)
    x, y, drawn = 0, 0, []
    for command, number in re.findall(r"([MHV ])(\d+)", path):
        if command == "H":
            drawn += [y] * (int(number) - x)
            x = int(number)
        elif command != "M":
            y = int(number)
    share = (scores - low) / (high - low) if high > low else np.zeros(len(scores))
    np.testing.assert_allclose(drawn, 92 - 84 * share, atol=0.5 + 1e-9)


@given(st.floats(0.1, 30), st.integers(0, 9))
@settings(max_examples=20, deadline=None)
def test_a_spectrogram_in_pieces_is_that_of_the_whole(seconds, seed):
    sound = np.random.default_rng(seed).normal(size=max(64, round(seconds * RATE)))
    window, hop = figures.window_and_hop(RATE)
    whole = figures.band_power(np.pad(sound, (0, max(0, window - len(sound)))), RATE)[2]
    recording = Recording.of_array(sound, RATE, RATE)
    parts = shown.powers(recording, len(sound), piece=7 * hop)
    np.testing.assert_allclose(np.concatenate(list(parts), axis=1), whole, rtol=1e-4, atol=1e-9)


def test_loud_hours_have_pages_of_bounded_size():
    """An hour at ten classes: ten minutes of sound, scores of these."""
    assert page.LONGEST == 600
    found = igsed.explain(noise(900), RATE, LABELS, model=model(), floor=0)
    assert len(formats.page(found)) < 8e6


@pytest.mark.parametrize("seconds", [0.3, 0.97, 61.05])
def test_short_and_odd_lengths_have_pages(seconds):
    found = igsed.explain(noise(seconds), RATE, LABELS, model=model(), floor=0)
    for text in (page.html(found), found._repr_html_()):
        assert len(Elements(text).all("path")) == 3


def test_what_pages_are_made_of_is_packed():
    home = Path(igsed.__file__).parent
    packed = tomllib.loads((home.parent / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    wanted = {
        path
        for folder in ("explaining", "report/page")
        for path in (home / folder).iterdir()
        if path.suffix in SUFFIXES
    }
    assert wanted <= {path for pattern in packed["package-data"]["igsed"] for path in home.glob(pattern)}
