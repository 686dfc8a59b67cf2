"""The page of results without a browser: its numbers, its clips, and that nothing in it can act."""

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from igsed.metrics import f1, iou
from igsed.report import page
from igsed.report.page import clips, leaderboard, markup
from igsed.thresholds import RULES
from tests import small_results

HOSTILE = "<img src=x onerror=hacked(1)>'\"&amp;</script><script>hacked(2)</script>{{7*7}}"


class Read(HTMLParser):
    """What a browser would find: elements with their attributes, and text."""

    def __init__(self, html: str):
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    handle_startendtag = handle_starttag

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return small_results.make(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def html(small):
    return page.make(small.results, small.settings).html


def data_of(html, of="numbers"):
    return json.loads(re.search(rf'id="{of}">(.*?)</script>', html, re.DOTALL)[1])


def bodies_of(html):
    return [json.loads(text) for text in re.findall(r'class="clip-body">(.*?)</script>', html, re.DOTALL)]


def test_the_answer_and_a_leaderboard_stand_there_without_a_script(html):
    before_scripts = html[: html.index("<script")]
    assert "When a sound classifier names a class" in before_scripts
    assert "points right in" in before_scripts
    board = re.search(r'<table id="board">.*?</table>', before_scripts, re.DOTALL)[0]
    assert all(
        title in board
        for title in ("IG †", "CAM", "Energy", "Oracle", "Average precision", "Pointing Game", "IoU", "PSDS 1")
    )
    assert "paper 0.826" in board
    assert "<noscript>" in before_scripts


def test_the_same_results_give_the_same_bytes(small, html):
    assert page.make(small.results, small.settings).html == html


def test_nothing_is_asked_of_the_network(html):
    for tag, attributes in Read(html).elements:
        for name in ("src", "href", "action", "poster", "data"):
            address = attributes.get(name, "") or ""
            assert not re.match(r"(?i)\s*(https?:|//|file:|javascript:)", address), (tag, address)
        assert tag not in ("iframe", "object", "embed", "base")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1]
    assert policy.startswith("default-src 'none'")
    assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]
    assert not re.search(r"url\((?!#)|@import", html)


def test_ids_are_used_once_and_references_lead_to_them(html):
    elements = Read(html).elements
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    wanted = {a["href"][1:] for _, a in elements if a.get("href", "").startswith("#")}
    wanted |= set(re.findall(r"url\(#([^)]*)\)", html))
    assert wanted
    assert wanted <= set(ids)


def test_hostile_names_are_text(tmp_path):
    names = ("<b onmouseover=hacked(3)>", "cam", "</title><script>hacked(4)</script>", "x\"'>")
    made = small_results.make(
        tmp_path,
        clip_names=(HOSTILE.replace("/", "\u2215"), "b", "c"),
        names=names,
        of_labels=(HOSTILE, "</textarea>"),
    )
    settings = made.settings.__class__(**{**vars(made.settings), "experiment": HOSTILE, "facts": {HOSTILE: HOSTILE}})
    html = page.make(made.results, settings).html
    read = Read(html)
    assert [tag for tag, _ in read.elements].count("script") == 2 + len(bodies_of(html))
    assert not any(tag in ("img", "b", "textarea") for tag, _ in read.elements)
    assert not any(name.startswith("on") for _, attributes in read.elements for name in attributes)
    assert "49" not in re.search(r"<title>(.*?)</title>", html)[1]
    assert HOSTILE in read.text
    numbers = data_of(html)
    assert [detector["name"] for detector in numbers["detectors"]] == list(names)
    assert HOSTILE in numbers["labels"]
    assert {entry["label"] for entry in numbers["clips"]} == {HOSTILE, "</textarea>"}


def test_an_svg_keeps_its_look_and_nothing_that_acts(tmp_path):
    path = tmp_path / "x.svg"
    path.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 1 1" '
        'onload="hacked()"><script>hacked()</script><style>* {display: none}</style><g id="a" onclick="hacked()">'
        '<path d="M 0.123456 1" clip-path="url(#a)"/><use xlink:href="#a"/><use href="http://x.org/#a"/>'
        '<a xlink:href="javascript:hacked()"/><foreignObject/></g><!-- &lt;b> --></svg>'
    )
    made = markup.svg_element(path, "p-", 'a "label"')
    assert 'id="p-a"' in made
    assert 'clip-path="url(#p-a)"' in made
    assert 'href="#p-a"' in made
    assert 'd="M 0.12 1"' in made
    assert "a &quot;label&quot;" in made
    assert not re.search(r"hacked|http|foreignObject|style|<!--", made)


def test_numbers_of_the_leaderboard_are_those_of_the_files(small, html):
    numbers = data_of(html)
    names = list(small.settings.detectors)
    for row in small.results.intervals.sample(20, random_state=1).itertuples():
        found = numbers["values"]["test"][row.protocol][row.label][row.metric][names.index(row.detector)]
        assert found == [round(value, 6) for value in (row.value, row.low_wide, row.high_wide)]
    metrics = small.results.metrics
    for row in metrics[metrics["metric"] == "psds1"].sample(5, random_state=1).itertuples():
        seeds = numbers["by_seed"]["test"][row.protocol][row.label]["psds1"][names.index(row.detector)]
        assert seeds[row.seed] == round(row.value, 6)
        mean = numbers["values"]["test"][row.protocol][row.label]["psds1"][names.index(row.detector)]
        assert mean[0] == pytest.approx(np.mean(seeds), abs=2e-6)
        assert mean[1:] == [None, None]
    difference = numbers["differences"]["ig"]["test"]["own"]["all"]["iou"]
    assert difference[0] is None
    assert (difference[1][0], difference[1][3]) == (0.125, 0.03)
    others = numbers["differences"][names[1]]["test"]["own"]["all"]
    assert others["iou"][1] is None
    wide = small.results.intervals.query(
        "detector == 'ig' and protocol == 'own' and label == 'all' and metric == 'iou'"
    )
    sides = [round(float(wide[side].iloc[0]), 6) for side in ("low_wide", "high_wide")]
    assert others["iou"][0] == [-0.25, *sides, 0.02]
    assert "f1" not in others
    assert numbers["paper"]["all"]["pointing_game"][0] == 0.826
    assert numbers["detectors"][0] == {
        "name": "ig",
        "title": "IG",
        "control": False,
        "truth": False,
        "neutral": False,
        "passes": [1.0, 16.0],
    }


def test_a_metric_without_any_value_is_left_out(small):
    settings = small.settings
    numbers = leaderboard.numbers(
        small.results.intervals,
        small.results.metrics.assign(value=np.nan),
        small.results.differences,
        small.results.pairwise,
        [],
        settings.__class__(**{**vars(settings), "metrics": ("iou", "recall")}),
    )
    assert list(numbers["metrics"]) == ["iou"]
    assert markup.json_text(numbers)


def test_curves_masks_and_numbers_of_a_clip_are_pythons(small, html):
    seen = 0
    for body in bodies_of(html):
        for label, pair in body["pairs"].items():
            active = small.active[body["clip"], label]
            assert pair["active"] == clips.runs(active)
            for name, told in zip(small.settings.detectors, pair["detectors"], strict=True):
                curve = small.curves[name, body["clip"], label]
                assert (np.frombuffer(base64.b64decode(told["scores"]), "<f8") == curve).all()
                assert told["top"] == curve.argmax()
                for protocol, (runs, its_iou, its_f1, parameter) in told["masks"].items():
                    rule = RULES.find(small_results.PROTOCOLS[protocol][0])
                    mask = rule.mask(curve, small_results.PARAMETERS.get(protocol))
                    assert parameter == small_results.PARAMETERS.get(protocol)
                    assert runs == clips.runs(mask)
                    assert (its_iou, its_f1) == tuple(map(leaderboard.number, (iou(mask, active), f1(mask, active))))
                    seen += 1
    assert seen == len(small.curves) * len(small_results.PROTOCOLS)


def test_what_may_mislead_stands_with_the_data(html):
    data = html[html.index('id="data"') : html.index('id="provenance"')]
    assert "<h3>What may mislead</h3>" in data
    assert "<li>Cat is &lt;b&gt;narrow&lt;/b&gt;.</li>" in data


def test_clips_without_a_scored_pair_are_named(html):
    assert "2 of 3 clips can be heard here" in html
    assert "no class of them is scored with seed 0: c" in html


def test_the_page_is_cut_to_size_and_says_so(small, html):
    bare = page.make(small.results, small.settings.__class__(**{**vars(small.settings), "clips": 0}))
    assert "more than 0 clips (page.clips): " in bare.html
    one = len(bodies_of(html)) and len(html.encode()) - len(markup.json_text(bodies_of(html)[1])) / 2
    cut = small.settings.__class__(**{**vars(small.settings), "max_mb": one / 1e6})
    made = page.make(small.results, cut).html
    assert len(bodies_of(made)) == 1
    assert len(made.encode()) <= one
    assert "the page would be larger than" in made


def test_a_page_too_large_without_clips_is_made_and_logged(small, caplog):
    made = page.make(small.results, small.settings.__class__(**{**vars(small.settings), "max_mb": 0.001}))
    assert bodies_of(made.html) == []
    assert "more than page.max_mb" in caplog.text


def test_linked_sounds_lie_beside_the_page(small, html, tmp_path):
    linked = page.make(small.results, small.settings.__class__(**{**vars(small.settings), "audio": "link"}))
    assert len(linked.html) < len(html)
    page.write(linked, tmp_path / "index.html", tmp_path / "index_files")
    for body in bodies_of(linked.html):
        assert (tmp_path / body["sound"]).stat().st_size > 1000
    assert len(list((tmp_path / "index_files").iterdir())) == 2


def test_windows_of_real_recordings_say_which_recording_they_are_of(tmp_path, html):
    assert {body["from"] and tuple(body["from"]) for body in bodies_of(html)} == {None}
    made = small_results.make(tmp_path)
    table = pd.read_csv(tmp_path / "clips.csv")
    table.assign(recording=[HOSTILE, "garden.wav", None], window=[0, 2, None]).to_csv(
        tmp_path / "clips.csv", index=False
    )
    bodies = {body["clip"]: body["from"] for body in bodies_of(page.make(made.results, made.settings).html)}
    assert bodies == {"a": [HOSTILE, 0], "b": ["garden.wav", pytest.approx(2 * 2.3)]}


def test_every_class_has_its_best_worst_and_most_disputed_clip_first():
    rows = [
        (clip, label, detector, value + by)
        for clip, label, value, spread in (
            ("a", "Dog", 0.5, 0.0),
            ("b", "Dog", 0.9, 0.0),
            ("c", "Dog", 0.1, 0.0),
            ("d", "Dog", 0.5, 0.3),
            ("e", "Cat", 0.5, 0.1),
            ("f", "Dog", 0.5, 0.2),
        )
        for detector, by in (("ig", -spread), ("cam", spread), ("random", 0.0))
    ]
    pairs = pd.DataFrame(rows, columns=["clip", "label", "detector", "average_precision"])
    settings = page.Settings(
        *("x", ["Cat", "Dog"], ["ig", "cam", "random"], ["ig", "cam", "random"], ["random"], ["ig"], [], "ig"),
        {"own": ("percentile", False, "present")},
        ["iou"],
        0,
    )
    assert clips.ranked(pairs, settings) == ["e", "b", "c", "d", "f", "a"]
    assert clips.ranked(pairs.sample(frac=1, random_state=3), settings) == ["e", "b", "c", "d", "f", "a"]


def test_contrast_of_the_colours_of_text():
    style = (Path(page.__file__).parent / "page.css").read_text()
    for block in re.findall(r":root \{(.*?)\}", style, re.DOTALL):
        colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{3,6})", block))
        for text in {"ink", "soft", "link"} & set(colours):
            for ground in {"paper", "shade"} & set(colours):
                assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
        if "chosen" in colours:
            assert contrast(colours["ink"], colours["chosen"]) >= 4.5
            assert contrast(colours["soft"], colours["chosen"]) >= 4.5
        if "tag" in colours:
            assert contrast(colours["ink"], colours["tag"]) >= 4.5


def contrast(one, other):
    lights = sorted(map(luminance, (one, other)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    values = [int(digits[k : k + 2], 16) / 255 for k in (0, 2, 4)]
    linear = [value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in values]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_a_sound_keeps_its_length_and_the_same_bytes():
    wave = np.random.default_rng(0).normal(size=32000) * 0.1
    sound, kind = clips.encoded(wave, 32000)
    assert kind == "MP3"
    assert clips.encoded(wave, 32000)[0] == sound
    assert clips.encoded(wave, 16000)[1] == "FLAC"
