"""Real recordings of the user's own: a folder of sound files and DESED's TSV of their events."""

import os
from pathlib import Path

from pydantic import Field, field_validator

from igsed import audio, recordings
from igsed.recordings import Kind, Settings


class FolderSettings(Settings):
    """Real recordings of your own, with strong labels."""

    audio: str = Field(min_length=1, description="the folder that holds the sound files")
    annotations: str = Field(
        min_length=1, description="DESED's TSV (`filename onset offset event_label`) of their events"
    )

    @field_validator("audio", "annotations")
    @classmethod
    def _home(cls, path):
        return os.path.expanduser(path)


class Folder(Kind):
    """Nothing is fetched."""

    def find(self, settings, fetched):
        return settings.audio, settings.annotations

    def files(self, settings):
        return [Path(settings.annotations), *recordings.files(settings.audio)]

    def count(self, settings, window):
        count = 0
        for path in recordings.files(settings.audio):
            whole, rest = divmod(audio.header(path).duration, window)
            count += int(whole) + (not whole or rest >= recordings.SHORTEST_REST)
        return count


KIND = Folder(name="folder", title="a folder of your own", settings=FolderSettings)
