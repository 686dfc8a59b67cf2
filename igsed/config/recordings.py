"""The section `recordings`."""

import os
from typing import Literal

from pydantic import Field, field_validator, model_validator

from igsed.settings import Section


class RealRecordings(Section):
    """Real recordings with strong labels, detected and scored like the test split."""

    kind: Literal["folder", "desed_public_eval"] = Field(
        description="`folder`: your own; `desed_public_eval`: DESED's public evaluation set, downloaded"
    )
    audio: str | None = Field(None, description="for `folder`: the folder that holds the sound files")
    annotations: str | None = Field(
        None, description="for `folder`: DESED's TSV (`filename onset offset event_label`) of their events"
    )
    overlap: str | None = Field(
        None,
        description="text file with a YouTube id or file name a line, or a list as AudioSet, AudioSet-strong or "
        "VGGSound publish it: recordings that the network may have been trained on; results are then given with and "
        "without them",
    )

    @field_validator("audio", "annotations", "overlap")
    @classmethod
    def _home(cls, path):
        return path and os.path.expanduser(path)

    @model_validator(mode="after")
    def _paths_given(self):
        for key in ("audio", "annotations"):
            if self.kind == "folder" and not getattr(self, key):
                raise ValueError(f"{key}: missing, though kind is 'folder'; name the path")
        return self
