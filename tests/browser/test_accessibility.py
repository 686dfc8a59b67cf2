"""What axe-core finds in the pages, on a desktop and a phone, light and dark: names, roles, contrast, headings."""

import pytest

from igsed.report import page
from tests import small_results
from tests.browser.test_compare import file as compared  # noqa: F401
from tests.chromium import Opened, violations

pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed (pip install it)")

WINDOWS = [(width, scheme) for width in (1280, 390) for scheme in ("light", "dark")]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    made = small_results.make(tmp_path_factory.mktemp("small"))
    path = tmp_path_factory.mktemp("page") / "index.html"
    page.write(page.make(made.results, made.settings), path, None)
    return path


@pytest.mark.parametrize(("width", "scheme"), WINDOWS)
@pytest.mark.parametrize("which", ["results", "compared"])
def test_axe_finds_nothing(browser, request, which, width, scheme):
    file = request.getfixturevalue(which)
    with Opened(browser, file, width=width, height=844, color_scheme=scheme) as found:
        found.page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
        assert violations(found.page) == []


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("document.querySelector('p.answer').style.color = '#bbb'", "color-contrast"),
        ("document.querySelector('[role=region]').setAttribute('role', 'nonsense')", "aria-roles"),
        ("document.querySelector('select').parentElement.replaceWith(document.querySelector('select'))", "select-name"),
    ],
)
def test_the_check_can_fail(browser, results, change, rule):
    with Opened(browser, results) as found:
        found.page.evaluate(change)
        assert {line.partition(":")[0] for line in violations(found.page)} >= {rule}
