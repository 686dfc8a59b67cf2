"""How the software is cited."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml


def cited(citation: Mapping[str, Any]) -> str:
    """How the software is cited, from the content of its `CITATION.cff`.

    >>> cited({"title": "igsed", "version": "1.0", "authors": [{"given-names": "A.", "family-names": "B"}]})
    'A. B: igsed, version 1.0.'
    """
    authors = [
        author.get("name") or f"{author.get('given-names', '')} {author.get('family-names', '')}".strip()
        for author in citation.get("authors", [])
    ]
    return f"{', '.join(authors)}: {citation['title']}, version {citation['version']}."


def of_checkout(root: str | Path) -> str:
    """How the software in a folder is cited; empty where the folder has no `CITATION.cff`."""
    path = Path(root, "CITATION.cff")
    return cited(yaml.safe_load(path.read_text(encoding="utf-8"))) if path.exists() else ""
