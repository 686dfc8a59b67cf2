"""Tables as pages: every cell in place, no text of users as markup, nothing from outside, numbers without gaps."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from igsed.report import data_report, html_tables, tables, typesetting
from igsed.report.html_tables import Grid, Heading, Items

ROOT = Path(__file__).parents[2]
HOSTILE = "<script>alert(1)</script>\"'&|"


class Reader(HTMLParser):
    """Tags, their attributes, and the text of each cell by row."""

    def __init__(self, page: str):
        super().__init__()
        self.tags, self.rows, self.open = [], [], []
        self.text = ""
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta",):
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


def detection(names=("ig", "mine")):
    rows = [
        (name, "own", label, metric, 0.5, 0.4, 0.6, 0.1, 7, 0)
        for name in names
        for label in ("all", "class_mean")
        for metric in ("iou", "f1", "pointing_game", "average_precision")
    ]
    columns = ["detector", "protocol", "label", "metric", "value", "low", "high", "std", "pairs", "undefined"]
    return tables.detection(pd.DataFrame(rows, columns=columns))


def test_a_grid_has_every_cell_in_its_place():
    heads = [("", "Class"), ("IoU", "ours"), ("IoU", "paper"), ("", "Pairs")]
    grid = Grid(heads, [["Dog", "1", "2", "3"], ["Cat", "4", "5", "6"], ["mean", "7", "8", "9"]], parts=[0, 0, 1])
    read = Reader(html_tables.page("Mine", ["Words of `code`.", Heading("Part"), Items(["a", "b"]), grid]))
    assert read.rows[0] == ["", "IoU", ""]
    assert [int(attrs["colspan"]) for tag, attrs in read.tags if "colspan" in attrs] == [1, 2, 1]
    assert read.rows[1:] == [[name for _, name in heads], *grid.rows]
    assert [attrs.get("class") for tag, attrs in read.tags if tag == "tr"] == [None] * 4 + ["part"]
    assert [attrs["scope"] for tag, attrs in read.tags if "scope" in attrs].count("row") == 3
    assert [tag for tag, _ in read.tags if tag in ("h1", "h2", "li", "p", "code")] == [
        "h1",
        "p",
        "code",
        "h2",
        "li",
        "li",
    ]


def test_a_table_shows_what_its_markdown_shows():
    table = detection()
    read = Reader(html_tables.table_page(table))
    lines = [line.strip("| ").split(" | ") for line in typesetting.markdown(table).splitlines() if line.startswith("|")]
    assert read.rows[2:] == lines[2:]
    assert typesetting.caption_of("detection", table=table) in read.text
    rows = [attrs for tag, attrs in read.tags if attrs.get("scope") == "row"]
    assert len(rows) == len(table)


@pytest.mark.parametrize(
    "page",
    [
        lambda: html_tables.table_page(detection((HOSTILE,))),
        lambda: html_tables.page(HOSTILE, [HOSTILE, Heading(HOSTILE), Items([HOSTILE])]),
        lambda: html_tables.page("x", [Grid([(HOSTILE, HOSTILE)], [[HOSTILE]], parts=[HOSTILE])]),
    ],
)
def test_texts_of_users_are_escaped(page):
    read = Reader(page())
    assert "script" not in {tag for tag, _ in read.tags}
    assert HOSTILE in read.text


def test_a_page_takes_nothing_from_outside():
    page = html_tables.table_page(detection())
    assert not re.search(r"https?:|src=|href=|url\(|@import", page)
    assert page.isascii() or '<meta charset="utf-8">' in page
    assert page == html_tables.table_page(detection())


def test_blocks_of_data_are_escaped_for_markdown_too():
    text = data_report.markdown([Grid([("", "Label"), ("", "n")], [["a|b", "1"]]), "Words.", Items(["x"])])
    assert text == "# Data\n\n| Label | n |\n| --- | ---: |\n| a\\|b | 1 |\n\nWords.\n\n- x\n"


ROMAN = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X"]
REGISTERED = re.compile(r'caption="\.\./report/(\w+)\.rst",\s+category="\w+",\s+labels=\{"(\w+)": "(\w+)"')


@pytest.mark.parametrize(("kind", "numbers"), [("table", ROMAN), ("figure", list("123456789"))])
def test_numbers_have_no_gap_and_captions_and_documentation_have_the_same(kind, numbers):
    """With and without real recordings, whose table and figure are the last."""
    rules = (ROOT / "workflow" / "rules" / "outputs.smk").read_text(encoding="utf-8")
    found = {caption: number for caption, what, number in REGISTERED.findall(rules) if what == kind}
    places = {caption: numbers.index(number) for caption, number in found.items()}
    assert sorted(set(places.values())) == list(range(max(places.values()) + 1))
    last = max(places, key=lambda caption: places[caption])
    assert last in ("recordings", "recordings_figure")
    listed = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    for caption, number in found.items():
        text = (ROOT / "workflow" / "report" / f"{caption}.rst").read_text(encoding="utf-8")
        assert re.search(rf"\b{kind.capitalize()} {number}\b", text.splitlines()[0]), caption
        assert re.search(rf"\| {kind.capitalize()} {number}\b", listed), caption


def test_the_report_shows_tables_and_does_not_download_them():
    rules = (ROOT / "workflow" / "rules" / "outputs.smk").read_text(encoding="utf-8")
    registered = re.findall(r'report\(\s+"<results>/tables/(\w+)\.(\w+)"', rules)
    assert {name for name, _ in registered} == {*html_tables.TITLES, "data"}
    assert {suffix for _, suffix in registered} == {"html"}


def test_the_landing_text_begins_with_the_question_and_names_the_results_page():
    text = (ROOT / "workflow" / "report" / "workflow.rst").read_text(encoding="utf-8")
    first = next(line for line in text.splitlines() if not line.startswith("{%"))
    assert first.startswith("**When a sound classifier names a class, can its explanation say when it sounds?**")
    assert "`index.html <index.html>`_" in text
