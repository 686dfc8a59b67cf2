"""DESED's public evaluation set, as published."""

from pathlib import Path

from igsed import events
from igsed.errors import InputError
from igsed.recordings import Kind, Settings, visible

_CLIPS = 692
_LONGEST_HEADER = 10_000


class PublicEvalSettings(Settings):
    """DESED's public evaluation set, downloaded."""


class PublicEval(Kind):
    """One archive, from Zenodo."""

    def find(self, settings, fetched):
        return find(fetched)

    def count(self, settings, window):
        return _CLIPS


def find(root: str | Path) -> tuple[Path, Path]:
    """The folder of sound files and the annotation in DESED's unpacked public evaluation set.

    The set has `audio/eval/public/*.wav` and `metadata/eval/public.tsv`, in some versions below a folder `dataset`
    (turpaultn/DESED, README). Of several files with DESED's header (`filename onset offset event_label`), as in a
    folder where more of DESED was unpacked, those with "eval" in their path count, then the one named `public.tsv`. The
    sound files are looked for at the same place below `audio`, else in the whole of `root`.

    Raises
    ------
    InputError
        There is no such file, or several are left.
    """
    root = Path(root)
    tables = [path for path in visible(root) if path.suffix == ".tsv" and _has_header(path)]
    for likely in (lambda path: "eval" in path.relative_to(root).as_posix(), lambda path: path.name == "public.tsv"):
        if len(tables) > 1:
            tables = [path for path in tables if likely(path)]
    if len(tables) != 1:
        found = f"holds {len(tables)} that could be meant, {tables[0]} first" if tables else "holds none"
        raise InputError(
            f"{root}: expected one annotation of DESED's public evaluation set (metadata/eval/public.tsv), but it "
            f"{found}. Unpack the archive DESED_public_eval.tar.gz anew into an empty folder."
        )
    parts = list(tables[0].relative_to(root).with_suffix("").parts)
    if "metadata" in parts:
        parts[parts.index("metadata")] = "audio"
    beside = root.joinpath(*parts)
    return (beside if beside.is_dir() else root), tables[0]


def _has_header(path: Path) -> bool:
    try:
        with open(path, encoding="utf-8-sig", errors="replace") as lines:
            return set(events.COLUMNS) <= set(lines.readline(_LONGEST_HEADER).strip().split("\t"))
    except OSError:
        return False


KIND = PublicEval(
    name="desed_public_eval",
    title="DESED's public evaluation set",
    settings=PublicEvalSettings,
    citation="Turpault et al. (2019), Sound event detection in domestic environments with weakly labeled data and "
    "soundscape synthesis",
    source="desed_public_eval",
)
