"""The page of metrics and threshold rules, made from their declarations."""

import math
from pathlib import Path

from igsed import metrics, thresholds
from igsed.metrics import Metric
from igsed.thresholds import Rule

PAGE = Path("docs/metrics.md")

INTRO = """\
# Metrics and threshold rules

<!-- Made from the declarations of igsed.metrics and igsed.thresholds by `python -m igsed docs`. -->

`evaluation.metrics` and `evaluation.thresholds` name what is computed. `docs/results.md` says in which files it is.

## Metrics

A *pair* is one class in one clip. H are the frames both detected and active, D the detected, A the active ones of a
pair. A pair without a value (NaN) never enters a mean, and the number left out is reported.

"""
RULES = """
## Threshold rules

A rule turns the scores of a pair into detected frames. If it has a parameter, the values of `swept` are tried on
validation, and the one with the highest mean of `evaluation.select` is taken; of several neighbours equally high the
middle one.

"""
ADDING = """
[Adding a metric](adding/metric.md) and [adding a threshold rule](adding/threshold_rule.md) say how yours come in.
"""


def markdown() -> str:
    """The page, as text."""
    head = ["metric", "title", "definition", "values", "better", "no value", "chance", "source"]
    page = INTRO + _table(head, [_metric(metric) for metric in metrics.built_in()]) + RULES
    head = ["rule", "title", "parameter", "protocols", "meaning", "source"]
    return page + _table(head, [_rule(rule) for rule in thresholds.built_in()]) + ADDING


def _metric(metric: Metric) -> list[str]:
    low, high = metric.range
    values = "any" if math.isinf(low) else f"≥ {low:g}" if math.isinf(high) else f"{low:g}…{high:g}"
    values += f" {metric.unit}" if metric.unit else ""
    better = {True: "higher", False: "lower", None: "neither"}[metric.higher_is_better]
    words = [metric.definition, values, better, metric.undefined, metric.chance, metric.citation]
    return [f"`{metric.name}`", metric.title, *words]


def _rule(rule: Rule) -> list[str]:
    parameter = f"`{rule.parameter}`" if rule.parameter else "none"
    protocols = ", ".join(f"`{protocol}`" for protocol in rule.protocols)
    return [f"`{rule.name}`", rule.title, parameter, protocols, rule.note, rule.citation]


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |\n" for cells in lines)
