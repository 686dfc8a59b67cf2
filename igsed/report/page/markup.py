"""Text of strangers and figures as parts of a page: JSON inside a script, and SVG inside HTML."""

import re
from pathlib import Path
from xml.etree import ElementTree

from igsed.report.inline import Safe, json_text

__all__ = ["Safe", "json_text", "svg_element"]

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "{http://www.w3.org/1999/xlink}href"
_DROPPED = {"metadata", "script", "foreignObject", "style", "title", "desc"}
_REFERENCE = re.compile(r"url\(#([^)]*)\)")
_LONG = re.compile(r"-?\d+\.\d{3,}")
_OUTLINES = {"d", "x", "y", "points"}


def svg_element(path: str | Path, prefix: str, label: str, kind: str = "") -> str:
    """A figure's SVG as an element of HTML.

    Parameters
    ----------
    path : path
        As matplotlib writes it.
    prefix : str
        Stands before every id, so that figures on one page do not take each other's parts.
    label : str
        What it shows, for those who cannot see it.
    kind : str
        "wide" or "narrow" where the page has both and shows one of them.

    Notes
    -----
    Scripts, handlers of events, styles that would hold for the whole page, and references to other files are left out.
    Outlines keep two decimals.
    """
    root = ElementTree.fromstring(Path(path).read_bytes())
    _clean(root, prefix)
    root.attrib = {
        "viewBox": root.get("viewBox", ""),
        "role": "img",
        "aria-label": label,
        "class": f"drawing {kind}".strip(),
    }
    return ElementTree.tostring(root, encoding="unicode")


def _clean(element: ElementTree.Element, prefix: str) -> None:
    element.tag = element.tag.removeprefix(f"{{{_SVG}}}")
    element.text = element.tail = None if element.tag != "text" else element.text
    attributes = {}
    for name, value in element.attrib.items():
        if name in ("href", _XLINK):
            if value.startswith("#"):
                attributes["href"] = f"#{prefix}{value[1:]}"
            elif value.startswith("data:image/png;base64,"):
                attributes["href"] = value
        elif name == "id":
            attributes["id"] = prefix + value
        elif not name.startswith(("{", "on")):
            value = _REFERENCE.sub(rf"url(#{prefix}\1)", value)
            attributes[name] = _LONG.sub(_rounded, value) if name in _OUTLINES else value
    element.attrib = attributes
    for child in list(element):
        if isinstance(child.tag, str) and child.tag.rpartition("}")[2] not in _DROPPED:
            _clean(child, prefix)
        else:
            element.remove(child)


def _rounded(number: re.Match) -> str:
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")
