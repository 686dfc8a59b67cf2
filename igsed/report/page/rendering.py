"""A page from its template, with styles, scripts and numbers put into it; light, and without matplotlib."""

import base64
import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from igsed.report.page import markup
from igsed.report.templates import environment

HOME = Path(__file__).parent
"""Where the templates, the style and the scripts are that all pages share."""


def render(
    template: str | Path, scripts: Iterable[str | Path], data: Any, /, styles: Iterable[str | Path] = (), **context
) -> str:
    """The page as HTML.

    Parameters
    ----------
    template : path
        Extends `base.html`. Templates are looked for beside it, then in `HOME`; so are the scripts.
    scripts : iterable of path
        In their order, after `elements.js` and `tools.js`; the page's policy lets nothing else run.
    data : dict
        What `tools.js` has as `numbers`.
    styles : iterable of path
        After `page.css`.
    context
        For the template. What is no `markup.Safe` is escaped.
    """
    template = Path(template)
    folders = [template.parent, HOME]
    script = "".join(_read(name, folders) for name in ("elements.js", "tools.js", *scripts))
    return (
        environment(*folders)
        .get_template(template.name)
        .render(
            **{"linked": False} | context,
            style=markup.Safe("".join(_read(name, folders) for name in ("page.css", *styles))),
            script=markup.Safe(script),
            script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
            data_json=markup.Safe(markup.json_text(data)),
        )
    )


def _read(name: str | Path, folders: Iterable[Path]) -> str:
    return next(path for folder in folders if (path := folder / name).exists()).read_text(encoding="utf-8")
