"""The list `detectors`."""

import ast
import json
from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field, model_serializer, model_validator

from igsed import detectors, perturbation
from igsed.detectors import DETECTORS, Detector, OfMasks
from igsed.errors import InputError, suggestion
from igsed.modules import module_file
from igsed.settings import Section

NAME = r"^[a-z][a-z0-9_]{0,59}$"
"""What a detector may be called."""

_WITH_MODEL = ("frames", "classifier", "masks")
"""What detectors need that look at a trained model."""


class Chosen(Section):
    """A detector of an experiment: its name alone, or a mapping with `name`, `method` and the method's settings."""

    name: str = Field(pattern=NAME, description="in tables, figures and paths; a letter, then letters, digits, _")
    method: str = Field(
        description="a built-in detector, one of an installed package, or `package.module:name`; by default the name"
    )
    control: Literal["random_head", "random_body", "wrong_class"] | None = Field(
        None,
        description="a control: the same with the head's weights drawn at random, with those of the body shuffled, or "
        "with the scores of a class that is not in the clip",
    )
    smooth: Annotated[float, Field(ge=0, le=60)] = Field(
        0.0, description="moving average of the scores over a window of so many seconds; 0: none"
    )
    contrast: bool = Field(
        False,
        description="whether the mean of the clip's other scored classes is taken away from each class's scores, all "
        "standardised over the clip first",
    )
    levels: bool | None = Field(
        None,
        description="whether its model learns from the clips of `training.levels` too; by default as `all` there says",
    )
    settings: dict[str, Any] = Field({}, description="the method's settings stand beside the other keys")

    @model_validator(mode="before")
    @classmethod
    def _gathered(cls, value):
        if isinstance(value, str):
            value = {"name": value}
        if not isinstance(value, dict):
            return value
        keys = [key for key in cls.model_fields if key != "settings"]
        own = {key: value[key] for key in keys if key in value}
        return {"method": own.get("name"), **own, "settings": {k: v for k, v in value.items() if k not in keys}}

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
        if detector.needs not in _WITH_MODEL:
            if self.control in ("random_head", "random_body"):
                raise ValueError(f"control: {self.method} has no model whose weights could be random; leave it out")
            if self.levels is not None:
                raise ValueError(f"levels: {self.method} has no model that could be trained; leave it out")
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
        options = {key: getattr(self, key) for key in _OPTIONS if getattr(self, key) != _OPTIONS[key]}
        return {"name": self.name, "method": self.method, **options, **self.settings}

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
    def options(self) -> dict[str, Any]:
        """What is done with the method's scores, and to the model before, whatever the method: `igsed.controls`."""
        return {key: getattr(self, key) for key in ("control", "smooth", "contrast")}

    @property
    def seeded(self) -> bool:
        """Whether there are scores for each seed of the models."""
        return self.detector.seeded or self.of_predictions

    @property
    def logits(self) -> bool:
        """Whether its scores are logits: those of a head on the body's frames, unless other classes are taken away."""
        return self.detector.needs == "frames" and not self.contrast

    @property
    def of_predictions(self) -> bool:
        """Whether its scores depend on which classes are predicted in a clip, though its method's do not."""
        return self.contrast or self.control == "wrong_class"

    @property
    def model(self) -> str:
        """What the model that it looks at is trained by, the same for detectors that can share it."""
        return json.dumps([self.method, self.settings, self.levels], sort_keys=True)

    @property
    def source(self) -> str:
        """What its scores are made by before they are smoothed or contrasted, the same where these can be shared."""
        return json.dumps([self.model, self.control])

    @property
    def is_control(self) -> bool:
        """Whether it is there to be compared with: it knows no class, no model, or the truth."""
        without = self.detector.needs in ("waveform", "events")
        return bool(self.control) or without or getattr(self.detector, "trained_on", "train") == "validation"

    @property
    def recipe(self) -> dict[str, Any]:
        """Of a detector of masked clips: what they depend on (`igsed.perturbation.recipe`); else nothing."""
        return perturbation.recipe(self.detector, self.settings) if isinstance(self.detector, OfMasks) else {}

    @property
    def masks(self) -> str:
        """What the embeddings of masked clips are made by, the same for detectors that can share them."""
        return json.dumps([self.recipe, self.control == "random_body"], sort_keys=True)

    @property
    def module(self) -> str:
        """The module in which the method is declared."""
        return DETECTORS.module_of(self.method)

    @property
    def modules(self) -> list[str]:
        """The modules on which its scores depend: where it is declared, and what makes the scores."""
        return sorted({self.module, *self.detector.runs_in})


_OPTIONS = {key: Chosen.model_fields[key].default for key in ("control", "smooth", "contrast", "levels")}


def resolved(entries: list) -> list:
    """Entries of `detectors` whose key `of` names another entry get its keys, besides their own.

    Raises
    ------
    ValueError
        There is no such entry.
    """
    mappings = [{"name": entry} if isinstance(entry, str) else entry for entry in entries]
    named = {entry["name"]: entry for entry in mappings if isinstance(entry, dict) and "name" in entry}

    def full(entry: dict, above: tuple) -> dict:
        entry = dict(entry)
        if (of := entry.pop("of", None)) is None:
            return {"method": entry.get("name"), **entry}
        if of not in named or of in above:
            reason = "leads back to itself" if of in above else f"there is no detector {of!r} in the list"
            raise ValueError(f"detectors: of: {reason}{suggestion(str(of), list(named))}; name another entry of it")
        return {**full(named[of], (*above, of)), **entry}

    return [
        full(entry, (entry.get("name"),)) if isinstance(entry, dict) and "of" in entry else original
        for entry, original in zip(mappings, entries, strict=True)
    ]


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
