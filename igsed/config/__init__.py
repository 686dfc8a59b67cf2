"""The configuration as a schema: a pydantic model for each section, a module for each.

`load` is the only way from a merged configuration to values that the workflow uses.
"""

from igsed.config.experiment import Config
from igsed.config.reading import load, merge

__all__ = ["Config", "load", "merge"]
