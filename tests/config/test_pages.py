"""The configuration page and schema are those of the models."""

import json
import re
from pathlib import Path
from typing import get_args, get_origin

import jsonschema
import pytest
import yaml

from igsed import metrics, thresholds
from igsed.config import Config, judges_page, pages
from igsed.config.choice import choice_of
from igsed.config.detectors import Chosen
from igsed.detectors import DETECTORS
from igsed.settings import Section

ROOT = Path(__file__).parents[2]


def models(model=Config, path=""):
    """Every model with the path of its section, found through the classes and not through the schema."""
    yield path, model
    for key, field in model.model_fields.items():
        place = f"{path}.{key}" if path else key
        if choice := choice_of(field):
            for name in choice.family.built_in:
                yield from models(choice.model(name), f"{place}, {choice.key}: {name}")
            continue
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from models(field.annotation, place)
        for inner in get_args(field.annotation):
            if isinstance(inner, type) and issubclass(inner, Section) and inner is not Chosen:
                yield from models(inner, f"{place}.<name>" if get_origin(field.annotation) is dict else place)


def tables(text):
    """Section → key → cells of its row."""
    found = {}
    for line in text.splitlines():
        if line.startswith("##"):
            rows = found.setdefault(line.lstrip("# ").strip("`").replace("Top level", ""), {})
        elif line.startswith("| `"):
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            rows[cells[0].strip("`")] = cells
    return found


@pytest.mark.parametrize(("path", "make"), pages.FILES.items())
def test_committed_file_is_what_the_models_give(path, make):
    file = ROOT / path
    assert file.is_file(), f"{path} is missing: run `python -m igsed docs`"
    assert file.read_text(encoding="utf-8") == make(), f"{path} is out of date: run `python -m igsed docs`"


def test_write_makes_all_files(tmp_path):
    assert pages.write(tmp_path) == [tmp_path / path for path in pages.FILES]
    assert {pages.PAGE, pages.SCHEMA} < set(pages.FILES)
    assert (tmp_path / pages.PAGE).read_text(encoding="utf-8") == pages.markdown()
    assert json.loads((tmp_path / pages.SCHEMA).read_text(encoding="utf-8"))["properties"]["experiment"]


def test_every_key_of_every_model_has_a_row_with_its_description():
    page, described = tables(pages.markdown()), list(models())
    methods = [(name, detector.settings) for name, detector in DETECTORS.built_in.items()]
    assert set(page) == {path for path, _ in [*described, *methods]} | {"Settings of detectors"}
    for name, settings in methods:
        assert list(page[name]) == list(settings.model_fields)
    for path, model in described:
        assert list(page[path]) == list(model.model_fields), path
        for key, field in model.model_fields.items():
            cells = page[path][key]
            assert len(cells) == 5
            assert field.description, f"{path}.{key} has no description"
            assert cells[3] == field.description
            assert (cells[2] == "required") == field.is_required()


@pytest.mark.parametrize(
    ("section", "key", "cells"),
    [
        ("mixtures", "events", ["list of 2: whole number, whole number", "`[1, 3]`", "each ≥ 1"]),
        ("mixtures", "snr", ["list of 2: number, number", "`[15.0, 25.0]`", ""]),
        ("evaluation", "percentiles", ["list of 2: whole number, whole number", "`[1, 99]`", "≥ 0, ≤ 99; ≥ 1, ≤ 100"]),
        ("evaluation", "confidence", ["number", "`0.95`", "> 0, < 1"]),
        ("training", "seeds", ["list of whole number", "`[0, 1, 2]`", "at least 1 value, each ≥ 0"]),
        ("soundbank, kind: folder", "path", ["text", "required", ""]),
        ("soundbank, kind: folder", "kind", ["text", "required", "`folder`"]),
    ],
)
def test_types_defaults_and_allowed_values(section, key, cells):
    row = tables(pages.markdown())[section][key]
    assert [row[1], row[2], row[4]] == cells


def test_links_lead_to_headings():
    page = pages.markdown()
    headings = {pages.anchor(line.lstrip("# ")) for line in page.splitlines() if line.startswith("##")}
    links = re.findall(r"\]\(#([^)]*)\)", page)
    assert links
    assert set(links) <= headings


def test_schema_accepts_the_default_experiment_and_refuses_a_misspelt_key():
    schema = json.loads(pages.schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    values = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    validator.validate(values)
    for section, own, error in (
        ("soundbank", {"kind": "mine:KIND", "anything": 1}, False),
        ("soundbank", {"kind": "folder", "path": "x", "table": "y"}, True),
        ("backbone", {"name": "cnn14"}, False),
        ("backbone", {"name": "cnn15"}, True),
    ):
        assert bool(list(validator.iter_errors(values | {section: own}))) == error
    values["mixtures"]["polyphony"] = 2
    assert any("polyphony" in error.message for error in validator.iter_errors(values))


def test_the_page_of_metrics_is_complete():
    """Every metric and rule has a row."""
    page = judges_page.markdown()
    for component in (*metrics.built_in(), *thresholds.built_in()):
        assert page.count(f"| `{component.name}` | {component.title} |") == 1
