"""The pages on adding a component, one for each family: what a declaration says comes from the declared class.

The words and the example of a page are a template in the folder `adding`. What can go out of date with the code is
taken from the classes and their docstrings: the fields of a declaration, the methods of a kind or a network, the
built-in components, where one is found. `tests/config/test_adding_pages.py` runs the examples.
"""

import dataclasses
import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import jinja2

from igsed import recordings, soundbanks
from igsed.backbones import NETWORKS, Backbone
from igsed.components import Component, Family
from igsed.metrics import METRICS
from igsed.thresholds import RULES

FAMILIES: dict[str, Family] = {
    "backbone": NETWORKS,
    "soundbank": soundbanks.KINDS,
    "recordings": recordings.KINDS,
    "metric": METRICS,
    "threshold_rule": RULES,
}
"""Name of the page → the components that it is about."""

HEAD = "<!-- Made from the declarations in the code by `python -m igsed docs`. Do not edit by hand. -->"


class Field(NamedTuple):
    """Fields of a declaration that are described together: type in words, whether they must be given, what they are."""

    names: list[str]
    kind: str
    required: bool
    meaning: str


def path(name: str) -> Path:
    """Where the page lies in the checkout."""
    return Path("docs", "adding", f"{name}.md")


def markdown(name: str) -> str:
    """The page of a family of `FAMILIES`, as text."""
    family = FAMILIES[name]
    pages = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "adding"),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
    )
    values = {
        "head": HEAD,
        "family": family,
        "declared": family.kind,
        "built_in": family.built_in.values(),
        "fields": list(fields(family.kind)),
        "methods": methods(family.kind),
        "backbone": methods(Backbone) if family is NETWORKS else {},
    }
    return pages.get_template(f"{name}.md").render(values)


def fields(declared: type[Component]) -> Iterator[Field]:
    """What a declaration says, those of its own first, from the section Attributes of the classes' docstrings."""
    given = {
        field.name: field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        for field in dataclasses.fields(declared)
    }
    for each in (declared, Component):
        for names, kind, meaning in _attributes(inspect.getdoc(each) or ""):
            yield Field(names, kind, any(given[name] for name in names), meaning)


def methods(declared: type) -> dict[str, str]:
    """Public method with its arguments → the first paragraph of its docstring, of those that the class itself has."""
    return {
        f"{name}({', '.join(_arguments(found))})": _paragraph(found)
        for name, found in vars(declared).items()
        if not name.startswith("_") and inspect.isfunction(inspect.unwrap(getattr(found, "__func__", found)))
    }


def _attributes(text: str) -> Iterator[tuple[list[str], str, str]]:
    """Names, type and description of each entry below the heading Attributes of a docstring in numpydoc's form."""
    section = re.search(r"^Attributes\n-+\n(.*?)(?=^\w[^\n]*\n-+\n|\Z)", text, flags=re.MULTILINE | re.DOTALL)
    for entry in re.split(r"\n(?=\S)", section[1].strip()) if section else ():
        head, _, body = entry.partition("\n")
        names, _, kind = head.partition(" : ")
        yield names.split(", "), kind.removesuffix(", optional"), textwrap.dedent(body).strip()


def _arguments(found) -> list[str]:
    parameters = list(inspect.signature(getattr(found, "__func__", found)).parameters.values())
    return [str(each.replace(annotation=each.empty, default=each.empty)) for each in parameters[1:]]


def _paragraph(found) -> str:
    return (inspect.getdoc(found) or "").partition("\n\n")[0].replace("\n", " ")
