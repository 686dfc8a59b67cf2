"""The page of a comparison in a real Chromium."""

import pytest

from igsed import compare
from igsed.compare import page
from tests.chromium import Opened
from tests.test_compare import QUALITY, edit, make, with_baselines


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    home = tmp_path_factory.mktemp("compared") / "results"
    other = QUALITY | {"cam": 0.7, "fw_ss": 0.6}
    folders = [make(home / "a"), make(home / "b", other, splits=("test", "recordings")), make(home / "c")]
    (folders[0] / "index.html").write_text("<title>The page of a</title>")
    compare.write(compare.compare(folders), home / "compare")
    return home / "compare" / "compare.html"


LONG = "integrated_gradients_from_the_quietest_second_random_head"


@pytest.fixture(scope="module")
def marked(tmp_path_factory):
    """Two banks of which one has a baseline that is not neutral, with long names and a metric below 0."""
    home = tmp_path_factory.mktemp("marked")
    quality = {"ig": 0.3, "cam": 0.5, "random": 0.1, LONG: 0.4}
    entries = ["ig", "cam", "random", {"name": LONG, "method": "ig", "n_steps": 4}]
    folders = [make(home / name, quality, entries=entries) for name in ("a", "another_bank_with_quite_a_long_name")]

    def negative(table):
        table.loc[table["metric"] == "class_correlation", ["value", "low", "high"]] = ["-0.25", "-0.5", "0.125"]
        return table

    for folder, neutral in zip(folders, (0, 1), strict=True):
        edit(folder, "intervals.csv", negative)
        with_baselines(folder, {"ig": neutral, LONG: 1})
    compare.write(compare.compare(folders, ["class_correlation"]), home / "compare")
    return home / "compare" / "compare.html"


@pytest.fixture
def opened(browser, file):
    with Opened(browser, file) as found:
        yield found
        assert [url for url in found.requests if not url.startswith(("data:", file.parents[1].as_uri()))] == []
        assert found.complaints == []


def names(opened):
    return [text.split()[0] for text in opened.column(1)]


def test_columns_sort_both_ways_with_the_controls_apart(opened):
    assert names(opened)[3:] == ["Random", "Oracle"]
    opened.page.click("#board button[data-column=bank1]")
    values = [float(text.split()[0]) for text in opened.column(3)]
    assert values[:3] == sorted(values[:3], reverse=True)
    assert names(opened)[3:] == ["Random", "Oracle"]
    opened.page.click("#board button[data-column=bank1]")
    values = [float(text.split()[0]) for text in opened.column(3)]
    assert values[:3] == sorted(values[:3])
    assert opened.page.locator("#board th[aria-sort=ascending]").inner_text().startswith("b")
    opened.page.click("#board button[data-column=detector]")
    assert names(opened)[:3] == ["CAM", "FW-SS", "IG"]


def test_filters_show_the_files_numbers(opened, file):
    opened.choose("board-controls", "metric", "iou")
    opened.choose("board-controls", "protocol", "shared")
    opened.choose("board-controls", "label", "Dog")
    opened.page.click("#board button[data-column=detector]")
    tables = {bank.name: bank for bank in compare.read([file.parents[1] / "a"])[0].banks}
    here = tables["a"].experiment.intervals.query("metric == 'iou' and protocol == 'shared' and label == 'Dog'")
    expected = here.set_index("detector").loc[["cam", "fw_ss", "ig", "random", "oracle"], "value"]
    assert [text.split()[0] for text in opened.column(2)] == [f"{value:.3f}" for value in expected]
    assert "shared" in opened.page.inner_text("#board caption")
    assert opened.page.locator("#heat td.shaded").count() == 5 * 4
    opened.choose("board-controls", "which", "methods")
    assert opened.page.locator("#board tbody tr").count() == opened.page.locator("#heat tbody tr").count() == 3
    opened.choose("board-controls", "bank", "1")
    heads = opened.page.locator("#board thead th").all_inner_texts()
    assert any(head.startswith("F1") for head in heads)
    assert not any(head.startswith("Mean rank") for head in heads)


def test_a_baseline_that_is_not_neutral_is_marked_where_it_is(browser, marked):
    with Opened(browser, marked) as found:
        found.page.click("#board button[data-column=detector]")
        columns = [found.column(number)[1].split()[0] for number in (1, 2, 3)]
        assert [text.endswith("†") for text in columns] == [False, True, False]
        assert columns[0] == "IG"
        assert [
            text.endswith("†") for text in found.page.locator("#heat tbody tr:has-text('IG') td").all_inner_texts()
        ][:2] == [True, False]
        right = """(n) => {
            const number = document.createRange();
            number.selectNode(document.querySelector(`#board tbody tr:nth-child(${n}) td:nth-child(2)`).firstChild);
            return number.getBoundingClientRect().right;
        }"""
        assert found.page.evaluate(right, 1) == found.page.evaluate(right, 2)  # the mark hangs beside the column
        found.choose("board-controls", "bank", "0")
        assert [text for text in found.column(1) if "†" in text] == ["IG †"]
        assert not any("†" in text for text in found.column(2))
        found.choose("board-controls", "bank", "1")
        assert not any("†" in text for text in found.column(1))
        assert found.complaints == []


def test_numbers_below_zero_have_a_true_minus(browser, marked):
    with Opened(browser, marked) as found:
        found.choose("board-controls", "metric", "class_correlation")
        assert found.column(2)[0].split()[:3] == ["−0.250", "[−0.500,", "0.125]"]
        assert "−0.250" in found.page.locator("#heat td.shaded").first.inner_text()


def test_what_is_said_of_the_first_numbers_is_not_said_of_others(opened):
    notes = opened.page.locator("#board-first")
    assert "Intervals:" in notes.inner_text()
    opened.choose("board-controls", "metric", "iou")
    assert not notes.is_visible()
    opened.choose("board-controls", "metric", "average_precision")
    assert notes.is_visible()


@pytest.mark.parametrize("width", [390, 1280])
def test_long_names_are_seen_in_full(browser, marked, width):
    with Opened(browser, marked, width=width, height=844) as found:
        kind = "narrow" if width < 640 else "wide"
        texts = f"[...document.querySelectorAll('svg.{kind} text')]"
        assert LONG in found.page.evaluate(f"{texts}.map((one) => one.textContent)")
        inside = "(one, box) => one.left >= box.left && one.right <= box.right && one.top >= box.top"
        box = f"document.querySelector('svg.{kind}').getBoundingClientRect()"
        assert found.page.evaluate(f"{texts}.every((one) => ({inside})(one.getBoundingClientRect(), {box}))")
        apart = "(a, b) => a.right <= b.left || b.right <= a.left || a.bottom <= b.top + 3 || b.bottom <= a.top + 3"
        crossing = f"""{texts}.flatMap((one, k) => {texts}.slice(k + 1).filter((other) =>
            !({apart})(one.getBoundingClientRect(), other.getBoundingClientRect())).map((other) =>
            one.textContent + " / " + other.textContent))"""
        assert found.page.evaluate(crossing) == []
        assert found.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_keyboard_alone_sorts(opened):
    opened.page.focus("#board button[data-column=bank0]")
    opened.page.keyboard.press("Enter")
    assert opened.page.evaluate("document.activeElement.dataset.column") == "bank0"
    assert opened.page.locator("#board th[aria-sort=descending]").inner_text().startswith("a")


def test_a_link_leads_to_an_experiments_page(opened):
    opened.page.click("#banks a >> nth=0")
    opened.page.wait_for_load_state()
    assert opened.page.title() == "The page of a"


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_nothing_scrolls_sideways_and_one_figure_is_shown(browser, file, width):
    with Opened(browser, file, width=width, height=844) as found:
        assert found.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        shown = [found.page.locator(f"svg.{kind}").is_visible() for kind in ("wide", "narrow")]
        assert shown == [width > 640, width <= 640]
        box = "document.querySelector('figure .scroll')"
        assert found.page.evaluate(f"{box}.scrollWidth <= {box}.clientWidth")


def test_without_a_script_the_essentials_are_there(browser, file):
    with Opened(browser, file, java_script_enabled=False) as found:
        assert found.page.locator("p.answer").is_visible()
        assert found.page.locator("#answer svg.wide").is_visible()
        assert found.page.locator("#board tbody tr").count() == 5
        assert found.page.locator("#agreement tbody tr").count() == 6
        assert not found.page.locator("#board-controls").is_visible()


def test_printed_it_has_the_answer_and_no_controls(opened):
    opened.page.emulate_media(media="print")
    assert opened.page.locator("p.answer").is_visible()
    assert opened.page.locator("#board").is_visible()
    assert not opened.page.locator("#board-controls").is_visible()


def test_hostile_names_do_nothing(browser, tmp_path):
    hostile = "<img src=x onerror=hacked(1)>'\"&amp;"
    found = compare.compare([make(tmp_path / "a"), make(tmp_path / "b", protocols=("own", hostile))], protocol="own")
    for each in found.experiments:
        each.intervals["label"] = each.intervals["label"].replace({"Dog": hostile})
    (tmp_path / "page.html").write_text(page.html(found), encoding="utf-8")
    with Opened(browser, tmp_path / "page.html") as opened:
        opened.choose("board-controls", "label", hostile)
        assert hostile in opened.page.inner_text("#board caption")
        assert hostile in opened.page.inner_text("#differences")
        assert opened.page.locator("img").count() == 0
        assert opened.complaints == []
