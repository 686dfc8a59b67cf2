"""A soundbank of the user's own: a folder in DESED's layout."""

import os
import re
from pathlib import Path

from pydantic import Field, field_validator

from igsed.soundbanks import Kind, Promise, Settings, soundbank


class FolderSettings(Settings):
    """A folder of your own, in DESED's layout (`docs/soundbank.md`)."""

    path: str = Field(
        min_length=1,
        description="the folder that holds `audio/{train,eval}/soundbank/{foreground,background}/<label>/*.wav`",
    )

    @field_validator("path")
    @classmethod
    def _home(cls, path):
        return os.path.expanduser(path)


class Folder(Kind):
    """Nothing is fetched or made; `igsed.soundbanks.soundbank` does the rest."""

    def index(self, places, labels, settings, progress=iter):
        return soundbank.index(settings.path, labels, settings.validation_share, progress=progress)

    def classes(self, settings):
        """Those that either part has."""
        folders = Path(settings.path).glob("audio/*/soundbank/foreground/*")
        # DESED's folders of recordings without onset or offset end in _nOn, _nOff or both.
        return {re.sub(r"(_nOn)?(_nOff)?$", "", folder.name) for folder in folders if folder.is_dir()}

    def files(self, settings, labels):
        return soundbank.files(settings.path, labels)

    def promise(self, places, labels, settings, problems):
        table = soundbank.unread(soundbank.find(settings.path, labels, problems))
        soundbank.assign(table, settings.validation_share, None, problems)
        return Promise(table)

    def sentence(self, settings):
        return f"the folder ``{settings.path}``"


KIND = Folder(name="folder", title="a folder of your own", settings=FolderSettings)
