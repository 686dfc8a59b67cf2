"""The base of everything that a user can set, and the numbers that settings are made of.

Settings are pydantic models: unknown keys are refused, every field says its unit and bounds, values cannot be changed.
"""

from typing import Annotated

import pydantic
from pydantic import Field

Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]


class Section(pydantic.BaseModel):
    """Base of all sections of a configuration and of the settings of all components.

    A validator's message begins with the key that it speaks of and a colon, from which its line is found.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)
