"""The page of results in a real Chromium: it asks for nothing, says what Python says, and can be played and steered."""

import itertools

import numpy as np
import pandas as pd
import pytest

from igsed.metrics import f1, iou
from igsed.report import page
from igsed.report.page import clips
from igsed.thresholds import peak_mask, percentile_mask
from tests import small_results
from tests.chromium import Opened

HOSTILE = "<img src=x onerror=hacked(1)>'\"&amp;"


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return small_results.make(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def file(small, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "index.html"
    page.write(page.make(small.results, small.settings), path, None)
    return path


@pytest.fixture
def opened(browser, file):
    with Opened(browser, file) as found:
        yield found
        outside = [url for url in found.requests if not url.startswith(("data:", file.as_uri()))]
        assert outside == []
        assert found.complaints == []


def test_columns_sort_both_ways_with_the_truth_last(opened):
    values = [float(text.split()[0]) for text in opened.column(2)][:-1]
    assert values == sorted(values, reverse=True)
    opened.page.click("#board button[data-column=iou]")
    head = opened.page.locator("#board th[aria-sort=descending]")
    assert head.inner_text().startswith("IoU")
    opened.page.click("#board button[data-column=iou]")
    values = [float(text.split()[0]) for text in opened.column(4)][:-1]
    assert values == sorted(values)
    opened.page.click("#board button[data-column=detector]")
    names = [text.split()[0] for text in opened.column(1)]
    assert names == ["CAM", "Energy", "IG", "Oracle"]


def test_filters_show_the_files_numbers(opened, small):
    opened.choose("board-controls", "protocol", "peak")
    opened.choose("board-controls", "label", "Speech")
    opened.page.click("#board button[data-column=detector]")
    here = small.results.intervals.query("protocol == 'peak' and label == 'Speech' and metric == 'f1'")
    value = here.set_index("detector").loc[["cam", "energy", "ig", "oracle"], "value"]
    assert [text.split()[0] for text in opened.column(5)] == [f"{number:.3f}" for number in value]
    opened.choose("board-controls", "seed", "1")
    seed = small.results.metrics.query(
        "protocol == 'peak' and label == 'Speech' and metric == 'f1' and seed == 1"
    ).set_index("detector")["value"]
    assert [float(text.split()[0]) for text in opened.column(5)] == pytest.approx(
        seed[["cam", "energy", "ig", "oracle"]].tolist(), abs=6e-4
    )
    opened.choose("board-controls", "set", "Events")
    assert opened.page.locator("#board thead th").count() == 4


def test_differences_from_any_detector_have_p(opened):
    row = opened.page.locator("#board tbody tr", has_text="CAM")
    assert "p 0.030" in row.inner_text()
    opened.choose("board-controls", "reference", "2")
    assert "p 0.020" in row.inner_text()
    assert "paired; p is Holm-corrected" in opened.page.inner_text("#board-notes")
    opened.choose("board-controls", "focus", "f1")
    assert " p 0" not in row.inner_text()
    assert "Only differences of means" in opened.page.inner_text("#board-notes")
    opened.choose("board-controls", "reference", "0")
    assert "p 0.030" in row.inner_text()


def test_a_cell_of_the_heat_map_filters_the_clips(opened):
    opened.page.click("#heat button[aria-label^='CAM, Speech']")
    assert opened.page.locator("#clip-list button").count() == 1
    assert opened.page.inner_text("#player-title").startswith("Speech in ")
    assert opened.page.input_value("#clip-controls select[name=detector]") == "1"
    assert opened.page.locator("#heat button[aria-pressed=true]").count() == 1


def test_it_plays_seeks_and_loops(opened):
    opened.page.locator("#sound").evaluate("sound => sound.play()")
    opened.wait("document.getElementById('sound').currentTime > 0.2")
    opened.page.locator("#sound").evaluate("sound => sound.pause()")
    box = opened.page.locator("#spectrogram").bounding_box()
    opened.page.locator("#spectrogram").click(position={"x": box["width"] / 2, "y": 20})
    duration = small_results.FRAMES * 0.1
    assert opened.time() == pytest.approx(duration / 2, abs=0.01)
    opened.page.wait_for_timeout(50)
    cursor = opened.page.locator("#cursor").bounding_box()
    assert cursor["x"] + cursor["width"] / 2 == pytest.approx(box["x"] + box["width"] / 2, abs=3)
    opened.page.locator(".lane.target button").first.click()
    first = opened.page.locator(".lane.target button").first.get_attribute("aria-label")
    onset, offset = (float(part) for part in (first.split(", ")[1].split()[0], first.split(" to ")[1].split()[0]))
    times = [opened.page.wait_for_timeout(90) or opened.time() for _ in range(15)]
    assert all(onset - 0.05 <= time <= offset + 0.15 for time in times), times
    assert any(later < earlier for earlier, later in itertools.pairwise(times)), times


def test_keys_move_and_play(opened):
    titles = [opened.page.inner_text("#player-title")]
    opened.page.keyboard.press("j")
    titles.append(opened.page.inner_text("#player-title"))
    opened.page.keyboard.press("k")
    titles.append(opened.page.inner_text("#player-title"))
    assert titles[0] == titles[2] != titles[1]
    opened.page.keyboard.press(" ")
    opened.wait("document.getElementById('sound').currentTime > 0.1")
    opened.page.keyboard.press(" ")
    assert opened.page.locator("#sound").evaluate("sound => sound.paused")
    opened.page.focus("#clip-controls select[name=order]")
    opened.page.keyboard.press("j")
    assert opened.page.inner_text("#player-title") == titles[0]


@pytest.mark.parametrize("where", ["#clip-list button >> nth=1", ".lane.target button", "#sliders input"])
def test_space_plays_wherever_one_has_clicked(opened, where):
    """A row of the list, an event, a slider: what was clicked last has the focus, and is not pressed again."""
    opened.page.locator(where).first.click()
    opened.page.locator("#sound").evaluate("sound => { sound.pause(); sound.currentTime = 0 }")
    title = opened.page.inner_text("#player-title")
    opened.page.keyboard.press(" ")
    opened.wait("!document.getElementById('sound').paused")
    opened.page.keyboard.press(" ")
    opened.wait("document.getElementById('sound').paused")
    opened.page.keyboard.press("j")
    opened.page.locator("#sound").evaluate("sound => sound.focus()")
    opened.page.keyboard.press("k")
    assert opened.page.inner_text("#player-title") == title


def test_the_detector_of_the_list_comes_first(opened):
    """And the clip that is shown is the first of the list, whatever was shown before."""
    opened.page.keyboard.press("j")
    select = opened.page.locator("#clip-controls select[name=detector]")
    for value in ("1", "0"):
        select.select_option(value)
        name = select.evaluate("select => select.selectedOptions[0].textContent")
        assert opened.page.locator("#stage [data-detector]").first.inner_text().startswith(name)
        assert opened.page.locator("#clip-list button").first.get_attribute("aria-current") == "true"


SLIDE = """(rule) => {
  const slider = document.querySelector(`#sliders input[data-rule=${rule}]`);
  const read = (name) => [...document.querySelectorAll(`#stage [data-${name}]`)].map((output) => output.textContent);
  return Array.from({ length: 101 }, (_, value) => {
    slider.value = value;
    slider.dispatchEvent(new Event("input"));
    return [read("iou"), read("f1")];
  });
}"""


@pytest.mark.parametrize(("rule", "mask", "scale"), [("percentile", percentile_mask, 1), ("peak", peak_mask, 100)])
def test_sliders_say_what_python_says(opened, small, rule, mask, scale):
    count = opened.page.locator("#clip-list button").count()
    assert count == len(small.active)
    for number in range(count):
        opened.page.locator("#clip-list button").nth(number).click()
        label, clip = opened.page.inner_text("#player-title").split(" in ")
        active = small.active[clip, label]
        for step, (ious, f1s) in enumerate(opened.page.evaluate(SLIDE, rule)):
            masks = [mask(small.curves[name, clip, label], step / scale) for name in small.settings.detectors]
            assert ious == [three(iou(mask, active)) for mask in masks], (clip, label, step)
            assert f1s == [three(f1(mask, active)) for mask in masks], (clip, label, step)


def test_protocols_show_pythons_detected_frames(opened, small):
    for protocol in small_results.PROTOCOLS:
        opened.choose("threshold-controls", "protocol", protocol)
        label, clip = opened.page.inner_text("#player-title").split(" in ")
        shown = opened.page.locator("#stage [data-iou]").all_inner_texts()
        rule = small_results.RULES.find(small_results.PROTOCOLS[protocol][0])
        masks = [
            rule.mask(small.curves[name, clip, label], small_results.PARAMETERS.get(protocol))
            for name in small.settings.detectors
        ]
        assert shown == [three(iou(mask, small.active[clip, label])) for mask in masks]


def three(value):
    return "–" if np.isnan(value) else f"{value:.3f}"


def test_a_link_leads_to_a_clip(browser, file):
    with Opened(browser, file, fragment="#clip=b&class=Speech") as found:
        assert found.page.inner_text("#player-title") == "Speech in b"
        found.page.evaluate("location.hash = '#clip=a&class=Dog'")
        found.wait("document.getElementById('player-title').textContent === 'Dog in a'")
        found.page.keyboard.press("j")
        assert found.page.evaluate("location.hash").startswith("#clip=")
    with Opened(browser, file, fragment="#clip=nowhere&class=Dog") as found:
        assert "nowhere is not on this page" in found.page.inner_text("#clip-count")
        assert found.complaints == []


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_nothing_scrolls_sideways(browser, file, width):
    with Opened(browser, file, width=width, height=844) as found:
        for protocol in ("own", "otsu"):
            found.choose("board-controls", "protocol", protocol)
            assert found.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        shown = [found.page.locator(f"#answer svg.{kind}").is_visible() for kind in ("wide", "narrow")]
        assert shown == [width > 640, width <= 640]
        box = "document.querySelector('#answer .scroll')"
        assert found.page.evaluate(f"{box}.scrollWidth <= {box}.clientWidth")


def test_without_a_script_the_essentials_are_there(browser, file):
    with Opened(browser, file, java_script_enabled=False) as found:
        assert found.page.locator("p.answer").first.is_visible()
        assert found.page.locator("#board tbody tr").count() == 4
        assert found.page.locator("#answer svg.wide").is_visible()
        assert not found.page.locator("#board-controls").is_visible()
        assert "allow JavaScript" in found.page.inner_text("#clips")


def test_printed_it_has_the_answer_and_no_controls(opened):
    opened.page.emulate_media(media="print")
    assert opened.page.locator("p.answer").first.is_visible()
    assert opened.page.locator("#board").is_visible()
    assert not opened.page.locator("#board-controls").is_visible()
    assert not opened.page.locator("#player").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable_and_controls_have_names(browser, file, scheme):
    with Opened(browser, file, color_scheme=scheme) as found:
        assert found.page.evaluate(UNREADABLE) == []
        assert found.page.evaluate(NAMELESS) == []


UNREADABLE = """() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => {
    const linear = (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = rgb.slice(0, 3).map((v) => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = numbers(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const element of document.querySelectorAll("body *:not(script):not(noscript):not(svg *)")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.checkVisibility() || element.matches("option, .hertz")) continue;
    const [a, b] = [light(numbers(getComputedStyle(element).color)), light(ground(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) found.push([element.tagName, element.textContent.slice(0, 30), contrast]);
  }
  return found;
}"""

NAMELESS = """() => {
  const name = (one) => one.getAttribute("aria-label") || one.labels?.[0]?.textContent || one.alt || one.textContent;
  const wanted = "button, select, input, audio, a[href], img, svg, article, nav, [role=region]";
  const without = [...document.querySelectorAll(wanted)].filter((one) => !name(one)?.trim());
  return without.map((one) => one.outerHTML.slice(0, 80));
}"""


def test_hostile_names_do_nothing(browser, tmp_path):
    made = small_results.make(
        tmp_path, clip_names=(HOSTILE, "b", "c"), names=("<b>x", "cam", "y'\"", "z"), of_labels=(HOSTILE, "</p>")
    )
    file = tmp_path / "index.html"
    page.write(page.make(made.results, made.settings), file, None)
    with Opened(browser, file) as found:
        for _ in range(3):
            found.page.keyboard.press("j")
        found.page.locator("#heat button").first.click()
        assert HOSTILE.replace("_", " ") in found.page.inner_text("#player-title")
        assert found.page.locator("img[onerror], b").count() == 0
        assert found.complaints == []


DECODED = """async ([address, rate]) => {
  const bytes = Uint8Array.from(atob(address.split(",")[1]), (letter) => letter.charCodeAt(0));
  const sound = await new OfflineAudioContext(1, rate, rate).decodeAudioData(bytes.buffer);
  const places = [];
  sound.getChannelData(0).forEach((sample, k) => Math.abs(sample) > 0.4 && places.push(k / rate));
  return [sound.duration, places[0], places.at(-1)];
}"""


@pytest.mark.parametrize(("rate", "expected"), [(48000, "MP3"), (32000, "MP3"), (16000, "FLAC"), (8000, "FLAC")])
def test_a_sound_is_heard_when_it_sounds(browser, rate, expected):
    time = np.arange(3 * rate) / rate
    wave = 0.05 * np.random.default_rng(0).normal(size=len(time)).clip(-3, 3)
    wave += 0.6 * np.sin(2 * np.pi * 1000 * time) * ((time >= 1.0) & (time < 2.0))
    sound, kind = clips.encoded(wave, rate)
    assert kind == expected
    opened = browser.new_page()
    duration, first, last = opened.evaluate(DECODED, [clips.data_uri("audio/x", sound), rate])
    opened.close()
    assert duration == pytest.approx(3.0, abs=0.001)
    assert (first, last) == pytest.approx((1.0, 2.0), abs=0.002)


def test_a_window_names_its_recording_as_text(browser, tmp_path):
    made = small_results.make(tmp_path)
    table = pd.read_csv(tmp_path / "clips.csv")
    table.assign(recording=HOSTILE, window=[0, 2, 0]).to_csv(tmp_path / "clips.csv", index=False)
    page.write(page.make(made.results, made.settings), tmp_path / "index.html", None)
    with Opened(browser, tmp_path / "index.html", fragment="#clip=b&class=Speech") as found:
        assert found.page.inner_text("#player-from") == f"From the recording {HOSTILE}, second 4.6 on"
        found.page.evaluate("location.hash = '#clip=a&class=Dog'")
        found.wait("!document.getElementById('player-from').textContent.includes('second')")
        assert found.complaints == []


def test_linked_sounds_play(browser, small, tmp_path):
    settings = small.settings.__class__(**{**vars(small.settings), "audio": "link"})
    page.write(page.make(small.results, settings), tmp_path / "index.html", tmp_path / "index_files")
    with Opened(browser, tmp_path / "index.html") as found:
        found.page.locator("#sound").evaluate("sound => sound.play()")
        found.wait("document.getElementById('sound').currentTime > 0.2")
        assert found.complaints == []
