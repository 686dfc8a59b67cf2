"""The page of `igsed explain` in a real Chromium: its events are Python's, and it can be played and steered."""

import itertools
import re

import numpy as np
import pytest
import torch
from torch import nn

import igsed
from igsed.classifier import Classifier
from igsed.explaining import formats, models, page
from tests.browser.test_page import NAMELESS, UNREADABLE
from tests.chromium import Opened, violations
from tests.toys import RATE, Toy

HOSTILE = "<img src=x onerror=hacked(1)>'\"&amp;</script>"
LABELS = ("Cat", HOSTILE, "Speech")
DURATION = 23.45


def model():
    head = nn.Linear(3, 3)
    generator = torch.Generator().manual_seed(2)
    head.load_state_dict({"weight": 3 * torch.randn(3, 3, generator=generator), "bias": torch.tensor([0.5, -1.0, 0.0])})
    return models.Model("toy", LABELS, Classifier(Toy(), head).eval(), 4.0)


def noise(seconds, seed=0):
    generator = np.random.default_rng(seed)
    envelope = np.repeat(generator.uniform(0, 1, round(2 * seconds) + 1) ** 3, RATE // 2)[: round(seconds * RATE)]
    return envelope * generator.uniform(-0.9, 0.9, round(seconds * RATE))


def explained(seconds=DURATION, **options):
    return igsed.explain(noise(seconds), RATE, LABELS, model=model(), name=HOSTILE, **options)


def written(found, folder):
    path = folder / "it's <b>.html"
    found.save("html", path)
    return path


@pytest.fixture(scope="module")
def found():
    return explained()


@pytest.fixture(scope="module")
def file(found, tmp_path_factory):
    return written(found, tmp_path_factory.mktemp("page"))


@pytest.fixture
def opened(browser, file):
    with Opened(browser, file) as window:
        yield window
        outside = [url for url in window.requests if not url.startswith(("data:", file.as_uri()))]
        assert outside == []
        assert window.complaints == []


SLIDE = """(number) => {
  const part = document.querySelectorAll(".class")[number];
  const slider = part.querySelector("input[type=range]");
  return Array.from({ length: 101 }, (_, value) => {
    slider.value = value;
    slider.dispatchEvent(new Event("input"));
    return [...part.querySelectorAll(".times li:not(.soft)")].map((item) => item.textContent);
  });
}"""


def told(window, number):
    return window.page.evaluate(SLIDE, number)


def read(text):
    return [float(number) for number in re.fullmatch(r"([\d.]+)–([\d.]+) s \(([\d.]+)\)", text).groups()]


@pytest.mark.parametrize(
    ("seconds", "longest", "options"),
    [
        (DURATION, 600, {}),
        (DURATION, 600, {"floor": 0.6, "gap": 0.5}),
        (DURATION, 600, {"gap": 0, "minimum": 0.7}),
        (DURATION, 600, {"method": "ig", "floor": 0.9}),
        (40, 17, {"floor": 0, "gap": 1.0, "minimum": 2.5}),
    ],
)
def test_events_at_every_threshold_are_pythons(browser, tmp_path, monkeypatch, seconds, longest, options):
    monkeypatch.setattr(page, "LONGEST", float(longest))
    file = written(explained(seconds, **options), tmp_path)
    seen = 0
    with Opened(browser, file) as window:
        of_classes = [told(window, number) for number in range(len(LABELS))]
        assert window.complaints == []
    for step in range(0, 101, 4):
        own = explained(seconds, threshold=step / 100, **options).events
        own = own[own["onset"] < longest - 1e-6]
        for label, of_steps in zip(LABELS, of_classes, strict=True):
            rows = own[own["label"] == label]
            expected = np.stack([rows["onset"], rows["offset"].clip(upper=longest), rows["confidence"]], 1)
            found = np.array([read(text) for text in of_steps[step]]).reshape(-1, 3)
            np.testing.assert_allclose(found[:, :2], expected[:, :2], atol=0.051, rtol=0)
            np.testing.assert_allclose(np.round(found[:, :2], 1), np.round(expected[:, :2], 1))
            whole = expected[:, 1] < longest  # of what is cut off, not all may be known
            np.testing.assert_allclose(found[whole, 2], expected[whole, 2], atol=0.0051)
            seen += len(expected)
    assert seen > 40


def test_it_begins_with_the_commands_events_and_goes_back_to_them(opened, found):
    for number, label in enumerate(LABELS):
        part = opened.page.locator(".class").nth(number)
        own = found.events[found.events["label"] == label]
        expected = [f"{e.onset:.1f}–{e.offset:.1f} s ({e.confidence:.2f})" for e in own.itertuples()]
        items = part.locator(".times li:not(.soft)")
        assert items.all_inner_texts() == expected
        assert part.locator(".lane button").count() == len(expected)
        told(opened, number)
        assert items.all_inner_texts() != expected
        part.locator(".threshold button").click()
        assert items.all_inner_texts() == expected


def test_it_plays_seeks_and_loops(opened, found):
    opened.page.locator("#sound").evaluate("sound => sound.play()")
    opened.wait("document.getElementById('sound').currentTime > 0.2")
    opened.page.locator("#sound").evaluate("sound => sound.pause()")
    for selector in ("#spectrogram", ".class .strip"):
        strip = opened.page.locator(selector).first
        box = strip.bounding_box()
        strip.click(position={"x": box["width"] / 2, "y": 20})
        assert opened.time() == pytest.approx(DURATION / 2, abs=0.02)
        opened.page.wait_for_timeout(50)
        cursor = opened.page.locator("#cursor").bounding_box()
        assert cursor["x"] + cursor["width"] / 2 == pytest.approx(box["x"] + box["width"] / 2, abs=3)
        opened.page.locator("#sound").evaluate("sound => { sound.currentTime = 0; }")
    event = found.events[found.events["label"] == "Speech"].iloc[0]
    for selector in (".lane button", ".times button"):
        button = opened.page.locator(".class").nth(2).locator(selector).first
        button.click()
        assert button.get_attribute("aria-pressed") == "true"
        opened.wait("!document.getElementById('sound').seeking")
        times = [opened.page.wait_for_timeout(90) or opened.time() for _ in range(15)]
        assert all(event.onset - 0.05 <= time <= event.offset + 0.2 for time in times), (event, times)
        if event.offset - event.onset < 1:
            assert any(later < earlier for earlier, later in itertools.pairwise(times)), times
        button.click()
        assert button.get_attribute("aria-pressed") == "false"
        opened.page.locator("#sound").evaluate("sound => sound.pause()")


def test_space_plays_and_pauses(opened):
    opened.page.keyboard.press(" ")
    opened.wait("document.getElementById('sound').currentTime > 0.1")
    opened.page.keyboard.press(" ")
    assert opened.page.locator("#sound").evaluate("sound => sound.paused")


def test_the_sound_lasts_as_long_as_the_pictures(opened):
    opened.wait("document.getElementById('sound').readyState > 0")
    assert opened.page.locator("#sound").evaluate("sound => sound.duration") == pytest.approx(DURATION, abs=0.01)


def test_less_can_be_seen_at_a_time(opened):
    width = "document.getElementById('stage').clientWidth / document.getElementById('view').clientWidth"
    assert opened.page.evaluate(width) == pytest.approx(1, abs=0.01)
    opened.choose("view-controls", "window", "10")
    assert opened.page.evaluate(width) == pytest.approx(DURATION / 10, abs=0.01)
    ticks = opened.page.locator(".axis span").all_inner_texts()
    assert ticks[:3] == ["0 s", "1 s", "2 s"]
    opened.page.locator("#sound").evaluate("sound => { sound.currentTime = 20; sound.play(); }")
    opened.wait("document.getElementById('view').scrollLeft > 0")
    assert opened.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_nothing_scrolls_sideways(browser, file, width):
    with Opened(browser, file, width=width, height=844) as window:
        assert window.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        for number in range(3):
            told(window, number)
        assert window.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_without_a_script_the_essentials_are_there(browser, file, found):
    with Opened(browser, file, java_script_enabled=False) as window:
        assert window.page.locator("#classes tbody tr").count() == 3
        assert window.page.locator("#sound").is_visible()
        assert window.page.locator("#spectrogram img").is_visible()
        assert window.page.locator(".class path").count() == 3
        assert window.page.locator(".lane .event").count() == len(found.events)
        assert not window.page.locator("#view-controls").is_visible()
        assert window.complaints == []


def test_printed_it_has_table_and_curves_and_no_controls(opened):
    opened.page.emulate_media(media="print")
    assert opened.page.locator("#classes").is_visible()
    assert opened.page.locator(".class path").first.is_visible()
    for selector in ("#sound", "#view-controls", ".threshold"):
        assert not opened.page.locator(selector).first.is_visible()
    assert opened.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable_and_controls_have_names(browser, file, scheme):
    with Opened(browser, file, color_scheme=scheme) as window:
        assert window.page.evaluate(UNREADABLE) == []
        assert window.page.evaluate(NAMELESS) == []


@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing(browser, file, width):
    pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed (pip install it)")
    with Opened(browser, file, width=width, height=844) as window:
        assert violations(window.page) == []


def test_hostile_names_do_nothing(opened):
    assert HOSTILE in opened.page.inner_text("h1")
    assert HOSTILE in opened.page.title()
    assert opened.page.locator("img[onerror], b").count() == 0
    assert opened.page.locator(".class").nth(1).locator("strong").inner_text() == HOSTILE


@pytest.mark.parametrize(("kind", "where"), [("page", "h1 q"), ("notebook", "p strong")])
def test_a_name_turns_only_itself_round(browser, tmp_path, kind, where):
    """A mark that turns the direction of writing ends with the name; a path may hold what an address must not."""
    found = igsed.explain(noise(2), RATE, LABELS, model=model(), name="a\u202eb")
    (tmp_path / "a #b?c%20").mkdir()
    path = tmp_path / "a #b?c%20" / "turned.html"
    text = formats.page(found) if kind == "page" else f"<meta charset=utf-8>{found._repr_html_()}"
    path.write_text(text, encoding="utf-8")
    with Opened(browser, path) as window:
        ascending = window.page.evaluate(
            """(where) => {
              const text = document.querySelector(where).nextSibling;
              const left = (k) => {
                const range = document.createRange();
                range.setStart(text, k);
                range.setEnd(text, k + 1);
                return range.getBoundingClientRect().left;
              };
              return left(1) < left(4);
            }""",
            where,
        )
        assert ascending
