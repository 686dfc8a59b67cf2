"""Pages in a real Chromium: a window with what it asked for and complained of, and what axe-core finds in it."""

import json
import shutil
from pathlib import Path

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"]


class Opened:
    """A page in a window, with what it asked for and complained of."""

    def __init__(self, browser, path, width=1280, height=900, fragment="", **options):
        self.context = browser.new_context(viewport={"width": width, "height": height}, offline=True, **options)
        self.page = self.context.new_page()
        self.requests, self.complaints = [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(path.as_uri() + fragment)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()

    def column(self, number):
        """The texts of a column of the leaderboard."""
        return self.page.locator(f"#board tbody tr > :nth-child({number})").all_inner_texts()

    def choose(self, form, name, value):
        self.page.select_option(f"#{form} select[name={name}]", value)

    def wait(self, expression):
        """Wait until something holds; the page's policy forbids Playwright's own way, which is `eval`."""
        for _ in range(100):
            if self.page.evaluate(expression):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"still not so after five seconds: {expression}")

    def time(self):
        return self.page.evaluate("document.getElementById('sound').currentTime")


def violations(page) -> list[str]:
    """What axe-core finds wrong in a page: the rule, and the element's HTML.

    Its script is evaluated through the developer tools' protocol, which the page's policy does not bind.
    """
    import axe_playwright_python

    script = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
    session = page.context.new_cdp_session(page)
    session.send("Runtime.evaluate", {"expression": script})
    run = "axe.run({resultTypes: ['violations']}).then((found) => JSON.stringify(found.violations))"
    answer = session.send("Runtime.evaluate", {"expression": run, "awaitPromise": True, "returnByValue": True})
    session.detach()
    return [
        f"{one['id']}: {node['html'][:120]}" for one in json.loads(answer["result"]["value"]) for node in one["nodes"]
    ]
