"""How pages are made of templates."""

from pathlib import Path

import jinja2


def environment(*folders: str | Path) -> jinja2.Environment:
    """The templates in some folders, those of the first before others of the same name.

    What templates are given is escaped, and a name that is missing is an error.
    """
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folders),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
