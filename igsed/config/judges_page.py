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
## Adding your own

A metric or a rule is a function and its declaration, in any module that can be imported:

    # my_judges.py
    from igsed.metrics import Metric
    from igsed.thresholds import Rule


    def onset_hit(predicted, active):
        \"\"\"Whether the first active frame is detected; bool (pair, frame) both, a number per pair.\"\"\"
        first = active.argmax(-1)
        return predicted[range(len(first)), first]


    ONSET = Metric(
        name="onset_hit",
        title="Onset hit",
        needs="mask",
        function=onset_hit,
        definition="1 where the first active frame is detected, else 0",
    )
    MEAN = Rule(
        name="mean",
        title="Above the mean",
        function=lambda scores: scores > scores.mean(-1, keepdims=True),
    )

The configuration names them. A list replaces the default, so it names the built-in ones that you want too. Tables and
figures show `iou` and `f1`, which must be among them.

    evaluation:
      metrics: [iou, f1, pointing_game, average_precision, my_judges:ONSET]
      thresholds: [percentile, my_judges:MEAN]

The metric then is in `metrics.csv`, `intervals.csv`, `differences.csv` and has a column in `tables/detection.*`. The
rule makes a protocol of its name. `igsed.metrics.Metric` and `igsed.thresholds.Rule` describe every field. An installed
package offers its own under the entry points `igsed.metrics` and `igsed.thresholds`; these need no path.
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
