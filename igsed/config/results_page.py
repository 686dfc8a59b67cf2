"""The section `page`."""

from typing import Annotated, Literal

from pydantic import Field

from igsed.settings import Section


class ResultsPage(Section):
    """What the page of results, `index.html`, holds."""

    max_mb: Annotated[float, Field(ge=1, le=500)] = Field(
        25, description="largest size of the page, MB; clips that do not fit are left out, and the page says so"
    )
    clips: Annotated[int, Field(ge=0, le=1000)] = Field(60, description="most clips that can be heard on the page")
    audio: Literal["inline", "link"] = Field(
        "inline",
        description="where the sounds are: in the page, which is then one file, or in the folder `index_files` beside "
        "it, which must go with it",
    )
