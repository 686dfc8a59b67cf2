"""What the commands have in common that take an experiment's configuration files."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from igsed.errors import InputError

if TYPE_CHECKING:
    from igsed.config import Config


def add_configfiles(parser: argparse.ArgumentParser) -> None:
    """The argument for them."""
    parser.add_argument("configfile", nargs="*", type=Path, help="YAML files, merged over config.yaml")


def load(configfiles: list[Path]) -> tuple["Config", list[Path]]:
    """The experiment, and its files with `config.yaml`.

    Raises
    ------
    InputError
        There is no `config.yaml` in this folder, or a setting is wrong.
    """
    from igsed import config

    files = [Path("config.yaml"), *configfiles]
    if not files[0].exists():
        raise InputError("config.yaml: there is none in this folder. Call this in a checkout of igsed.")
    return config.load(config.merge(files), files), files
