"""What an experiment can be made of: `igsed list detectors` and so on, from the declarations (`igsed.components`)."""

import shutil
import textwrap
from typing import Any

from igsed.components import Component, Family, imported
from igsed.errors import InputError

FAMILIES = {
    "detectors": "igsed.detectors:DETECTORS",
    "backbones": "igsed.backbones:NETWORKS",
    "soundbanks": "igsed.soundbanks:KINDS",
    "metrics": "igsed.metrics:METRICS",
    "thresholds": "igsed.thresholds:RULES",
}
"""What can be listed: word → `module:name` of an `igsed.components.Family`, imported when it is listed."""

_INDENT = "    "
# A word with a hyphen stays whole, so that what is searched for or copied is what was declared.
_WRAPPING: dict[str, Any] = {
    "initial_indent": _INDENT,
    "subsequent_indent": _INDENT + "  ",
    "break_on_hyphens": False,
}


def text(word: str, width: int | None = None) -> str:
    """The components of a family: a line each with name, title, needs and source, below it settings and citation.

    Parameters
    ----------
    word : str
        One of `FAMILIES`.
    width : int, optional
        Characters of a line; by default the terminal's, at most 100.
    """
    family: Family = imported(FAMILIES[word])
    width = width or min(shutil.get_terminal_size((100, 24)).columns, 100)
    rows, notes = [("name", "title", "needs", "source")], [[""]]
    for name in family.names:
        try:
            component = family.find(name)
        except InputError as error:  # an installed package's, which must not hide the others
            rows.append((name, "", "", f"{family.installed[name]} (cannot be used)"))
            notes.append([str(error)])
            continue
        rows.append((name, component.title, _needs(component), _source(family, name)))
        notes.append([component.summary, _settings(component), component.citation])
    widths = [max(len(row[k]) for row in rows) for k in range(3)]
    lines = []
    for row, further in zip(rows, notes, strict=True):
        cells = [cell.ljust(size) for cell, size in zip(row, widths, strict=False)]
        lines.append("  ".join([*cells, row[3]]).rstrip())
        for note in filter(None, further):
            lines += textwrap.wrap(note, width, **_WRAPPING)
    return "\n".join(lines)


def _needs(component: Component) -> str:
    needs = getattr(component, "needs", "")
    return needs if isinstance(needs, str) else ", ".join(map(str, needs))


def _settings(component: Component) -> str:
    """`settings: name = default, …`; a setting without a default stands alone."""
    fields = component.settings.model_fields.items()
    told = [name if field.is_required() else f"{name} = {_value(field.get_default())}" for name, field in fields]
    return f"settings: {', '.join(told)}" if told else ""


def _value(value) -> str:
    """A default as YAML writes it, as far as numbers, words and their lists go."""
    names = {None: "null", True: "true", False: "false"}
    return names[value] if value is None or isinstance(value, bool) else str(value)


def _source(family: Family, name: str) -> str:
    return family.module_of(name) if name in family.built_in else f"{family.installed[name]} (installed)"
