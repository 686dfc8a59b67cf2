"""From frame scores to detections.

A rule is a function that makes a mask of scores and, below it in the same module, its declaration, a `Rule`: which
parameter is swept on validation, if any, how the best is chosen, and which protocols result.
"""

from igsed.components import Family
from igsed.thresholds.otsu import otsu_mask
from igsed.thresholds.peak import peak_mask
from igsed.thresholds.percentile import percentile_mask
from igsed.thresholds.probability import probability_mask
from igsed.thresholds.rule import Counts, Rule

RULES = Family("threshold rule", "igsed.thresholds", Rule)
"""All threshold rules: igsed's own, those of installed packages, and `package.module:name`."""

__all__ = [
    "RULES",
    "Counts",
    "Rule",
    "built_in",
    "otsu_mask",
    "peak_mask",
    "percentile_mask",
    "probability_mask",
]


def built_in() -> list[Rule]:
    """The rules of igsed's own."""
    return list(RULES.built_in.values())
