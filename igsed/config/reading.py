"""From files to a checked configuration, with errors that name the file, the line and the key.

Files are untrusted and read as plain data: no tag of YAML makes an object, aliases must not multiply beyond
`MOST_VALUES`, no key may stand twice. Components named as `package.module:name` are imported for their settings;
plain functions are not imported before the workflow runs (docs/security.md).

ruamel.yaml (0.19, tried) knows lines too. But it reads `on`, `012`, `1:30` and `1e-3` other than PyYAML, with which
Snakemake reads; of keys that stand twice it names only the first; and none of the limits here would go.
"""

import contextlib
import difflib
import inspect
import reprlib
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pydantic
import yaml

from igsed.config.choice import Choice, choice_of
from igsed.config.experiment import Config
from igsed.errors import InputError, suggestion
from igsed.settings import Section

MOST_VALUES = 100_000
"""Values in a configuration, each counted wherever an alias repeats it."""
MOST_BYTES = 200_000
"""Length of a configuration file."""

_COMMAND_LINE = "--config"
_ADDING = {"detectors", "figures", "page"}
"""Keys that change nothing that an experiment has made; a file with no others adds to it."""
_DEEPEST = 50
_MOST_PROBLEMS = 20
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 300
_SHORT.maxlist = _SHORT.maxdict = _SHORT.maxtuple = 20


def load(values: dict, files: Sequence[str | Path] = (), overrides: dict | None = None) -> Config:
    """Check a merged configuration.

    Parameters
    ----------
    values : dict
        The configuration as read from YAML, later files merged over earlier ones.
    files : sequence of path
        The files it came from, used to say where a wrong key stands; what is merged over the first one must name an
        experiment of its own, unless it only adds detectors or changes figures or the page.
    overrides : dict, optional
        What the command line set over the files (`snakemake --config`), for the same purpose.

    Raises
    ------
    InputError
        One line for each problem: file, line, key, what is wrong, what is expected.
    """
    trees = _trees(files)
    if overrides:
        trees.append((_COMMAND_LINE, yaml.compose(yaml.safe_dump(overrides), Loader=yaml.SafeLoader)))
    if twice := [line for path, tree in trees for line in _repeated(path, tree)]:
        raise InputError("the configuration cannot be used:\n" + "\n".join(f"  - {line}" for line in twice))
    if problem := _excess(values):
        keys, complaint = problem
        raise InputError(f"the configuration cannot be used:\n  - {_locate(keys, trees)}{_name(keys)}: {complaint}")
    try:
        config = Config.model_validate(values)
    except pydantic.ValidationError as error:
        problems = error.errors(include_url=False)
        lines = [_explain(problem, trees, values) for problem in problems[:_MOST_PROBLEMS]]
        if len(problems) > _MOST_PROBLEMS:
            lines.append(f"and {len(problems) - _MOST_PROBLEMS} more problems")
        raise InputError("the configuration cannot be used:\n" + "\n".join(f"  - {line}" for line in lines)) from None
    named = [_experiment(tree) for _, tree in trees]
    added = all({key.value for key, _ in tree.value} <= _ADDING for _, tree in trees[1:] if tree is not None)
    if len(files) > 1 and not any(named[1:]) and config.experiment == named[0] and not added:
        raise InputError(
            f"{trees[1][0]}: names no experiment, so its results would replace those of {named[0]!r}. "
            "Add a line such as experiment: my_name"
        )
    return config


def merge(files: Sequence[str | Path]) -> dict:
    """Read configuration files as Snakemake does: mappings are merged key by key, other values replaced.

    Raises
    ------
    InputError
        A file is missing, no YAML, or no mapping of keys to values.
    """
    merged: dict = {}
    for path in files:
        try:
            text = _text(path)
        except OSError as error:
            raise InputError(_unreadable(path, error)) from None
        except ValueError as error:
            raise InputError(f"{path}: is no configuration ({error}). Name another file.") from None
        if not text.strip():
            raise InputError(f"{path}: is empty. Write keys into it, such as experiment: my_name")
        try:
            values = yaml.safe_load(text)
        except _NO_YAML as error:
            reason = error if isinstance(error, yaml.YAMLError) else f"{type(error).__name__}: {error}"
            raise InputError(f"{path}: cannot be read as YAML ({reason}). Correct it, or name another file.") from None
        if not isinstance(values, dict):
            raise InputError(f"{path}: holds no keys. Expected YAML such as: experiment: my_name")
        if problem := _excess(values):
            keys, complaint = problem
            raise InputError(f"{path}: {_name(keys)}: {complaint}")
        merged = _merged(merged, values)
    return merged


# PyYAML's constructors let through what int(), datetime and the like raise.
_NO_YAML = (OSError, yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError, RecursionError)


def _text(path) -> str:
    with open(path, "rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"more than {MOST_BYTES} bytes")
    return content.decode("utf-8-sig")


def _unreadable(path: str | Path, error: OSError) -> str:
    """What to tell of a configuration file that cannot be opened, with those that the user may have meant."""
    path = Path(path)
    if path.is_dir():
        inside = ", ".join(map(str, sorted(path.glob("*.yaml")))) or "none that ends in .yaml"
        return f"{path}: is a folder. Name a file; it has {inside}."
    if not isinstance(error, FileNotFoundError):
        return f"{path}: cannot be read ({error.strerror}). Correct that, or name another file."
    if path == Path("config.yaml"):
        return (
            f"{path}: there is no such file in {Path.cwd()}. "
            "Start in the folder of the checkout, where config.yaml and the Snakefile lie."
        )
    folders = dict.fromkeys((path.parent, Path("config"), Path()))
    there = {file: file.stem for folder in folders for file in sorted(folder.glob("*.yaml"))}
    if close := difflib.get_close_matches(path.stem, there.values(), n=1):
        meant = next(file for file, stem in there.items() if stem == close[0])
        return f"{path}: there is no such file (did you mean {meant}?). Correct the name."
    return f"{path}: there is no such file. Correct the name; there are {', '.join(map(str, there)) or 'none here'}."


def _excess(values) -> tuple[list, str] | None:
    """Keys and complaint of the first value that is not plain, or beyond what a configuration can need."""
    waiting: list[tuple[list, Any]] = [([], values)]
    count = 0
    while waiting:
        keys, value = waiting.pop()
        count += 1
        if count > MOST_VALUES:
            return keys[:1], f"holds more than {MOST_VALUES} values, with aliases in place. Write fewer."
        if len(keys) > _DEEPEST:
            return keys[:1], f"has more than {_DEEPEST} keys inside each other. Write fewer."
        if isinstance(value, dict):
            if wrong := [key for key in value if not isinstance(key, str)]:
                return [*keys, _shown(wrong[0])], "keys must be strings. Put it into quotes."
            waiting += [([*keys, key], below) for key, below in reversed(value.items())]
        elif isinstance(value, list | tuple):
            waiting += [(keys, below) for below in reversed(value)]
        elif not isinstance(value, str | int | float | None):
            return keys, f"is of the type {type(value).__name__}, which no key takes. Put it into quotes."
        elif isinstance(value, int) and abs(value) >= 2**64:
            return keys, f"{_shown(value)} is too large. Write a smaller number."
        elif isinstance(value, str) and "\0" in value:
            return keys, "holds the character NUL. Remove it."
    return None


def _shown(value) -> str:
    """What was given, shortened: aliases can make it longer than memory."""
    try:
        return _SHORT.repr(value)
    except ValueError:  # Python does not write out the longest of numbers
        return "a number of thousands of digits"


def _name(keys) -> str:
    return ".".join(map(str, keys)) or "configuration"


def _merged(below: dict, above: dict) -> dict:
    both = {
        key: _merged(below[key], above[key])
        for key in below.keys() & above.keys()
        if _are_dicts(below[key], above[key])
    }
    return below | above | both


def _are_dicts(*values) -> bool:
    return all(isinstance(value, dict) for value in values)


def _explain(problem: Any, trees, values: dict) -> str:
    keys, message = list(problem["loc"]), problem["msg"]
    if keys[-1:] == ["[key]"] and problem["type"].startswith("string_"):
        keys.pop()  # pydantic's mark for a name that is itself wrong
    if problem["type"] == "value_error":
        key, _, message = message.removeprefix("Value error, ").partition(": ")
        keys += key.split(".")
    where, name = _locate(keys, trees), _name(keys)
    if problem["type"] == "extra_forbidden":
        known, (_, choice) = _fields(keys[:-1], values), _section(keys[:-1], values)
        close = suggestion(str(keys[-1]), known)
        if choice and not close:
            close = f" of this {choice.family.word} (its keys: {', '.join(known)})"
        return f"{where}{name}: unknown key{close}. Correct or remove it."
    if problem["type"] == "missing":
        kind, _ = _section(keys[:-1], values)
        field = kind.model_fields.get(keys[-1]) if _is_section(kind) else None
        meaning = f": {field.description}" if field and field.description else ""
        return f"{where}{name}: missing. Add this key{meaning}."
    if problem["type"] == "model_type":
        how = f" Write --config '{name}={{key: value}}'." if where.startswith(_COMMAND_LINE) else ""
        return f"{where}{name}: must be a section with keys of its own: {', '.join(_fields(keys, values))}.{how}"
    given = "" if isinstance(problem["input"], dict) else f" (given: {_shown(problem['input'])})"
    return f"{where}{name}: {message}{given}."


def _section(keys, values: Any) -> tuple[Any, Choice | None]:
    """The model of the section that `keys` lead to, and the choice that it is; of a choice, the model of the chosen."""
    kind: Any = Config
    choice: Choice | None = None
    for key in keys:
        values = values.get(key) if isinstance(values, dict) else None
        if typing.get_origin(kind) in (dict, list):
            kind, choice = typing.get_args(kind)[-1], None
        else:
            field = kind.model_fields.get(str(key)) if _is_section(kind) else None
            choice = choice_of(field) if field else None
            kind = choice.of(values) or choice.named if choice else field.annotation if field else None
    return kind, choice


def _fields(keys, values: Any) -> list[str]:
    kind, _ = _section(keys, values)
    return list(kind.model_fields) if _is_section(kind) else []


def _is_section(kind) -> bool:
    return inspect.isclass(kind) and issubclass(kind, Section)


def _trees(files) -> list[tuple[str | Path, yaml.Node | None]]:
    """The YAML nodes of each file, which know their lines; files that cannot be read are left out."""
    trees = []
    for path in files:
        with contextlib.suppress(*_NO_YAML):
            trees.append((path, yaml.compose(_text(path), Loader=yaml.SafeLoader)))
    return trees


def _experiment(tree: yaml.Node | None) -> str | None:
    pairs = tree.value if isinstance(tree, yaml.MappingNode) else []
    return next((value.value for key, value in pairs if key.value == "experiment"), None)


def _repeated(path, tree: yaml.Node | None) -> list[str]:
    """Complaints about keys that stand twice in their section; YAML would silently take the last."""
    found, seen, waiting = [], set(), [tree]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, yaml.CollectionNode) or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
            continue
        lines: dict[str, int] = {}
        for key, value in node.value:
            waiting.append(value)
            if isinstance(key, yaml.ScalarNode):
                line = key.start_mark.line + 1
                if key.value in lines:
                    found.append(
                        f"{path}, line {line}, {key.value}: stands in line {lines[key.value]} too. Remove one."
                    )
                lines[key.value] = line
    return found[:_MOST_PROBLEMS]


def _locate(keys, trees) -> str:
    """The last file, and line, in which the key or the nearest key above it stands; a list replaces earlier ones."""
    best = (0, "")
    for path, node in trees:
        depth, line, in_list = 0, 1, False
        for key in keys:
            in_list |= isinstance(node, yaml.SequenceNode)
            if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
                found = [(node.value[key], node.value[key])]
            else:
                pairs = node.value if isinstance(node, yaml.MappingNode) else []
                found = [(k, v) for k, v in pairs if k.value == str(key)]
            if not found:
                break
            depth, line, node = depth + 1, found[0][0].start_mark.line + 1, found[0][1]
        if (depth >= best[0] or in_list) and (depth or path != _COMMAND_LINE):
            best = (depth, f"{path}, line {line}, " if depth and path != _COMMAND_LINE else f"{path}, ")
    return best[1]
