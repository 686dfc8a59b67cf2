"""The configuration page and the JSON schema, both made from the models of `igsed.config`.

Nothing about a key is written here: types, defaults, units and allowed values are those of the models, so the page
cannot say other things than the program does. `tests/config/test_pages.py` fails when the files in the repository are
not what `write` would make.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from igsed.config import adding_pages, judges_page
from igsed.config.choice import Choice
from igsed.config.experiment import Config
from igsed.detectors import DETECTORS

PAGE = Path("docs/configuration.md")
SCHEMA = Path("config/schema.json")

INTRO = """\
# Configuration

<!-- Made from the declarations of settings by `python -m igsed docs`. Do not edit by hand. -->

Every experiment starts from `config.yaml`. A file of your own holds only what differs from it: mappings are merged key
by key, every other value, lists included, replaces the one in `config.yaml`. The defaults below are those of the
program, for keys that neither file sets. Unknown keys are errors, and so are settings that contradict each other; the
message names the file and the line. `config/schema.json` describes the merged configuration as a JSON schema.
"""
_HEAD = "| key | type | default | unit and meaning | allowed values |\n| --- | --- | --- | --- | --- |\n"
_TYPES = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
_BOUNDS = {
    "minimum": "≥",
    "exclusiveMinimum": ">",
    "maximum": "≤",
    "exclusiveMaximum": "<",
    "multipleOf": "multiple of",
}


def schema() -> str:
    """The JSON schema (draft 2020-12) of a merged configuration, as text."""
    described = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Config.model_json_schema()}
    return json.dumps(described, indent=2, ensure_ascii=False) + "\n"


def markdown() -> str:
    """The configuration page: a table of keys for each section, in the order of the models."""
    root = Config.model_json_schema()
    return INTRO + "".join(_sections(root, root["$defs"], "")) + "".join(_components())


def component_markdown(choice: Choice, place: str, name: str) -> str:
    """The part of the page for one component, also for one of a user's own.

    Parameters
    ----------
    choice : Choice
        What the key at `place` is, such as `igsed.config.experiment.SOUNDBANK` at "soundbank".
    name : str
        As in an experiment: a name, or `package.module:name`.

    Raises
    ------
    InputError
        There is no such component.
    """
    model = choice.model(name).model_json_schema()
    return "".join(_sections(model, model.get("$defs", {}), f"{place}, {choice.key}: {name}"))


def write(root: str | Path) -> list[Path]:
    """Write the pages and the schema, `FILES`, below `root`; returns their paths."""
    for path, make in FILES.items():
        file = Path(root) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(make(), encoding="utf-8")
    return [Path(root) / path for path in FILES]


FILES: dict[Path, Callable[[], str]] = {
    PAGE: markdown,
    SCHEMA: schema,
    judges_page.PAGE: judges_page.markdown,
    **{adding_pages.path(name): partial(adding_pages.markdown, name) for name in adding_pages.FAMILIES},
}
"""What `write` makes: path in the checkout → function that gives its text."""


def _sections(model: dict, models: dict, path: str) -> Iterator[str]:
    """Heading, description and table of a model, then those of the sections within it."""
    inner, rows = [], []
    for key, node in model["properties"].items():
        place = f"{path}.{key}" if path else key
        target, section = _target(node), None
        if choices := _choices(node, models, place):
            inner += [_sections(chosen, models, there) for there, chosen in choices.items()]
        elif target:
            place += "" if "$ref" in _present(node) else ".<name>"
            section = models[target]
            inner.append(_sections(section, models, place))
        rows.append(_row(key, node, place, key in model.get("required", ()), section, list(choices)))
    title = f"`{path}`" if path else "Top level"
    level = "#" * (2 + path.count("."))
    yield f"\n{level} {title}\n\n{model['description']}\n\n{_HEAD}{''.join(rows)}"
    for sections in inner:
        yield from sections


def _components() -> Iterator[str]:
    """The settings of every built-in detector, from its declaration."""
    yield (
        "\n## Settings of detectors\n\nThey stand beside `name` and `method` in `detectors`. `igsed list detectors` "
        "shows those of installed packages too.\n"
    )
    for name, detector in DETECTORS.built_in.items():
        model = detector.settings.model_json_schema()
        rows = [_row(k, node, k, k in model.get("required", ()), None) for k, node in model["properties"].items()]
        table = f"{_HEAD}{''.join(rows)}" if rows else "No settings.\n"
        yield f"\n### `{name}`\n\n{detector.title}: {detector.score} per frame. Needs: {detector.needs}.\n\n{table}"


def _choices(node: dict, models: dict, place: str) -> dict[str, dict]:
    """The models of a key that chooses a component, each by what its heading says."""
    references = [option["$ref"].rpartition("/")[2] for option in _present(node).get("oneOf", ()) if "$ref" in option]
    chosen = [(*_name(models[reference]), models[reference]) for reference in references]
    return {f"{place}, {key}: {name}": model for key, name, model in chosen}


def _name(model: dict) -> tuple[str, str]:
    """Key and name of the component that a model is of."""
    return next((key, node["const"]) for key, node in model["properties"].items() if "const" in node)


def _row(
    key: str, node: dict, place: str, required: bool, section: dict | None = None, choices: Sequence[str] = ()
) -> str:
    kind = _type(node)
    if choices:
        kind = "one of the sections " + ", ".join(f"[`{there}`](#{anchor(there)})" for there in choices)
    if section is not None:
        kind = f"{'section' if '$ref' in _present(node) else 'sections'} [`{place}`](#{anchor(place)})"
    if required:
        default = "required"
    elif choices and node["default"]:
        default = f"`{next(iter(node['default'].values()))}`"
    elif "$ref" in node and section and not section.get("required"):
        default = "that of each key"
    elif node["default"] is None:
        default = "not set"
    else:
        default = f"`{_value(node['default'])}`"
    cells = [f"`{key}`", kind, default, node["description"], _allowed(node)]
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |\n"


def anchor(place: str) -> str:
    """The anchor that GitHub gives to the heading of a section."""
    return re.sub(r"[^\w -]", "", place).replace(" ", "-").lower()


def _target(node: dict) -> str | None:
    """The model that a key holds, or that each value of a mapping holds; None for plain values."""
    node = _present(node)
    references = [each.get("$ref", "") for each in (node, *node.get("patternProperties", {}).values())]
    return next((reference.rpartition("/")[2] for reference in references if reference), None)


def _present(node: dict) -> dict:
    """The schema of a key that may be left out, without the alternative null."""
    return next((option for option in node.get("anyOf", ()) if option.get("type") != "null"), node)


def _type(node: dict) -> str:
    node = _present(node)
    if "prefixItems" in node:
        kinds = [_type(item) for item in node["prefixItems"]]
        return f"list of {len(kinds)}: {', '.join(kinds)}"
    if "items" in node:
        return f"list of {'names or mappings' if '$ref' in node['items'] else _type(node['items'])}"
    return _TYPES.get(node.get("type", ""), "mapping")


def _allowed(node: dict) -> str:
    """What a value must fulfil beyond its type."""
    node = _present(node)
    if "const" in node or "enum" in node:
        return ", ".join(f"`{_value(value)}`" for value in node.get("enum", [node.get("const")]))
    if "prefixItems" in node:
        rules = [_allowed(item) for item in node["prefixItems"]]
        if len(set(rules)) == 1:
            return f"each {rules[0]}" if rules[0] else ""
        return "; ".join(rule or "any" for rule in rules)
    rules = [f"{sign} {node[bound]}" for bound, sign in _BOUNDS.items() if bound in node]
    if "minItems" in node:
        rules.append(f"at least {node['minItems']} value")
    if "pattern" in node:
        rules.append(f"matches `{node['pattern']}`")
    rules += [f"`<name>` matches `{pattern}`" for pattern in node.get("patternProperties", ())]
    if each := _allowed(node["items"]) if "items" in node else "":
        rules.append(f"each one of {each}" if "enum" in node["items"] else f"each {each}")
    return ", ".join(rules)


def _value(value) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        value = [item["name"] for item in value]
    return value if isinstance(value, str) else json.dumps(value)
