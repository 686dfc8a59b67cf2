"""The documentation site: it is built without a warning, asks for nothing of the network, and links lead somewhere."""

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml

from tests.weights import yamnet_weights

ROOT = Path(__file__).parents[1]
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
OPENED = ["index.html", "findings.html", "configuration.html", "tutorial.html", "api/modules/igsed.metrics.html"]
WANTED = {
    "color-contrast",
    "scrollable-region-focusable",
    "aria-required-attr",
    "image-alt",
    "link-name",
    "heading-order",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("sphinx", reason="make docs installs what the site is built with")
    yamnet_weights()
    copy = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "docs", copy / "docs", ignore=shutil.ignore_patterns("modules"))
    for name in ("pyproject.toml", "LICENSE", "CITATION.cff", *(path.name for path in ROOT.glob("*.md"))):
        shutil.copy(ROOT / name, copy)
    for name in ("igsed", "Snakefile", "resources"):  # the tutorial finds the weights there
        (copy / name).symlink_to(ROOT / name)
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q"]
    done = subprocess.run([*command, "docs", "built"], cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return copy / "built"


class Page(HTMLParser):
    """What a page loads by itself, where its links lead, and which places it has."""

    def __init__(self, path: Path):
        super().__init__()
        self.loaded, self.links, self.places = [], [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.places.add(given.get("id"))
        if tag == "a":
            self.links.append(given.get("href") or "")
        else:
            self.loaded += [given[key] for key in ("src", "href", "data", "poster") if given.get(key)]
        self.loaded += re.findall(r"url\(([^)]*)\)", given.get("style") or "")


def test_nothing_is_asked_of_the_network(site):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 40
    loaded = {(path.name, link) for path in pages for link in Page(path).loaded if not link.startswith(("data:", "#"))}
    assert [each for each in loaded if urlsplit(each[1]).netloc or urlsplit(each[1]).scheme] == []
    for style in site.rglob("*.css"):
        text = re.sub(r"/\*.*?\*/", "", style.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert re.findall(r"@import|url\(\s*[\"']?(?:https?:)?//", text) == [], style.name


def test_links_lead_to_places_that_exist(site):
    pages = {path: Page(path) for path in site.rglob("*.html")}
    broken = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or not link or path.name in ("search.html", "genindex.html", "py-modindex.html"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            there = target in pages and (not parts.fragment or unquote(parts.fragment) in pages[target].places)
            if not (there or (target.is_file() and target.suffix != ".html")):
                broken.append((str(path.relative_to(site)), link))
    assert broken == []


def test_every_page_is_in_the_list_of_the_first(site):
    listed = re.findall(
        r'class="toctree-l1[^"]*"><a class="reference internal" href="([^"#]+)"', (site / "index.html").read_text()
    )
    pages = {path.relative_to(ROOT / "docs").with_suffix(".html").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert pages - {"index.html"} <= set(listed)


@pytest.mark.parametrize("width", [1280, 390])
def test_in_a_browser_no_page_scrolls_sideways_or_complains(site, width):
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install playwright)")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    if not shutil.which(CHROMIUM):
        pytest.skip("there is no Chromium (apt-get install chromium)")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_context(viewport={"width": width, "height": 900}, offline=True).new_page()
        requests, complaints = [], []
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        for name in OPENED:
            page.goto((site / name).as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
            boxless = page.locator("article table:not(.table-wrapper table, .cell_output table)")
            assert boxless.count() == 0, f"{name}: a table without a box of its own"
            assert complaints == []
            assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
            # Not asking for the style sheets itself, which a browser refuses of a file, and tells.
            seen = axe.Axe().run(page, options={"resultTypes": ["violations"], "preload": False}).response["violations"]
            assert WANTED.isdisjoint(each["id"] for each in seen), (name, [each["id"] for each in seen])
        browser.close()


def test_the_tutorial_was_run(site):
    """With its pictures; that what its text says holds is checked by its last cell, which is not shown."""
    page = (site / "tutorial.html").read_text(encoding="utf-8")
    assert "Domestic animals, pets" in page
    assert [link for link in Page(site / "tutorial.html").loaded if link.startswith("_images/")]
    assert "must hold whenever" not in page


def test_continuous_integration_elsewhere_does_what_it_does_here():
    """The definition for a hosting site calls `.ci/run` and keeps what that builds."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    run = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert [step["run"] for step in steps if "run" in step] == ["bash .ci/run"]
    assert "make docs" in run
    assert "bash .ci/wheel" in run
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"]) for step in steps if "uses" in step)
    kept = "".join(step.get("with", {}).get("path", "") for step in steps)
    assert "dist" in kept
    assert "build/docs" in kept
    assert True in workflow  # the key `on`, which YAML 1.1 reads as true


def test_hooks_before_a_commit_need_no_network():
    """All are local and call programs of the environment, with what `make check` asks of them."""
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert [group["repo"] for group in hooks["repos"]] == ["local"]
    entries = [hook["entry"] for hook in hooks["repos"][0]["hooks"]]
    assert all(hook["language"] == "system" for hook in hooks["repos"][0]["hooks"])
    assert all(entry.startswith(".venv/bin/") for entry in entries)
    assert any("ruff check" in entry for entry in entries)
    assert any("ruff format" in entry for entry in entries)
    assert any("snakefmt --check" in entry for entry in entries)
