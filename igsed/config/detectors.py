"""The list `detectors`."""

import ast
from typing import Any

import pydantic
from pydantic import Field, model_serializer, model_validator

from igsed import detectors
from igsed.detectors import DETECTORS, Detector
from igsed.errors import InputError, suggestion
from igsed.modules import module_file
from igsed.settings import Section

NAME = r"^[a-z][a-z0-9_]{0,59}$"
"""What a detector may be called."""

_OWN = ("name", "method")


class Chosen(Section):
    """A detector of an experiment: its name alone, or a mapping with `name`, `method` and the method's settings."""

    name: str = Field(pattern=NAME, description="in tables, figures and paths; a letter, then letters, digits, _")
    method: str = Field(
        description="a built-in detector, one of an installed package, or `package.module:name`; by default the name"
    )
    settings: dict[str, Any] = Field({}, description="the method's settings stand beside `name` and `method`")

    @model_validator(mode="before")
    @classmethod
    def _gathered(cls, value):
        if isinstance(value, str):
            value = {"name": value}
        if not isinstance(value, dict):
            return value
        own = {key: value[key] for key in _OWN if key in value}
        return {"method": own.get("name"), **own, "settings": {k: v for k, v in value.items() if k not in _OWN}}

    @model_validator(mode="after")
    def _possible(self):
        if self.name in DETECTORS.built_in and self.name != self.method:
            raise ValueError(f"name: {self.name!r} is a built-in detector of its own; choose another name")
        try:
            detector = self.detector
        except InputError as error:
            raise ValueError(f"method: {str(error).removeprefix('detector ').rstrip('.')}") from None
        try:
            full = detector.settings.model_validate(self.settings).model_dump()
        except pydantic.ValidationError as error:
            raise ValueError(_complaint(detector, error)) from None
        self.settings.clear()
        self.settings.update(full)
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, schema, handler):
        """A name, or a mapping; which settings there are depends on the method (docs/configuration.md)."""
        model = handler.resolve_ref_schema(handler(schema))
        model["properties"].pop("settings")
        model |= {"required": ["name"], "additionalProperties": True}
        return {"anyOf": [{"type": "string", "description": "a detector without settings"}, model]}

    @model_serializer
    def _flat(self):
        return {"name": self.name, "method": self.method, **self.settings}

    @property
    def detector(self) -> Detector:
        """The declaration. A plain function is not imported for it, anything else is.

        Raises
        ------
        InputError
            There is none.
        """
        if ":" in self.method and (path := _plain(self.method)):
            return detectors.plain(path)
        return detectors.find(self.method)

    @property
    def module(self) -> str:
        """The module in which the method is declared."""
        return DETECTORS.module_of(self.method)

    @property
    def modules(self) -> list[str]:
        """The modules on which its scores depend: where it is declared, and what makes the scores."""
        return sorted({self.module, self.detector.runs_in})


def _plain(path: str) -> str | None:
    """`path` where it names a function or class that is defined as such in its module; None for anything else.

    Raises
    ------
    InputError
        There is no such module, it is no Python, or defines no such name, as far as can be seen without running it.
    """
    module, _, name = path.partition(":")
    file = module_file(module)
    if file is None:
        raise InputError(f"there is no module {module!r}. Install it, or start from the folder that holds it.")
    if file.suffix != ".py":
        return None
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"), str(file))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(
            f"{file}, line {getattr(error, 'lineno', None)}: is no Python ({error}). Correct the file."
        ) from None
    if any(isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name for node in tree.body):
        return path
    names = {getattr(node, key, None) for node in ast.walk(tree) for key in ("id", "name", "asname")}
    if name not in names and "*" not in names:
        raise InputError(f"{file}: defines no {name!r}. Correct the name after the colon.")
    return None


def _complaint(detector: Detector, error: pydantic.ValidationError) -> str:
    """The first thing that is wrong with settings, beginning with its key."""
    problem = error.errors(include_url=False)[0]
    message = problem["msg"].removeprefix("Value error, ")
    if not problem["loc"]:
        return message  # of a validator, which names the key itself
    key = ".".join(map(str, problem["loc"]))
    known = list(detector.settings.model_fields)
    if problem["type"] == "extra_forbidden":
        return (
            f"{key}: no setting of {detector.name}{suggestion(key, known)}; its settings: {', '.join(known) or 'none'}"
        )
    return f"{key}: {message} (given: {problem['input']!r})"
