"""What an experiment's sounds are: recordings, sources and seconds per class and split, and caveats.

Conventions
-----------
A recording is a file of the soundbank, a source what it was cut from (`igsed.soundbanks.soundbank`); splits never share
a source. Recordings that the mixtures cannot place, since onset and offset are missing, are counted
separately (`left_out`). Times are in seconds, sample rates in hertz. Splits stand in the order train, validation, test,
others after them; classes in DESED's order, others after them by name. What does not apply is missing, never 0.

The paper's numbers of clips: arXiv:2605.23293, section on data.
"""

import json
from collections.abc import Iterable, Mapping, Sequence

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from igsed import LABELS, mixtures, recordings
from igsed.names import ordered
from igsed.report import few
from igsed.report.figures import RC, WIDTH, readable
from igsed.report.html_tables import Block, Grid, Heading, Items
from igsed.soundbanks import soundbank

COLUMNS = [
    *("split", "kind", "label", "recordings", "sources", "seconds", "left_out", "left_out_seconds"),
    *("lowest_sample_rate", "events", "event_seconds"),
]
PAPER_CLIPS: Mapping[str, int] = {"train": 823, "validation": 96, "test": 97}
"""Clips that the paper kept of each split, of 1000 for training and 250 for validation and test together."""
UNEQUAL = 10
"""Classes are called unequal where the longest has this many times the seconds of the shortest."""
COLOURS: Mapping[str, str] = {"train": "#4E9DCA", "validation": "#A8480A", "test": "#333333"}
"""Of the splits: after Okabe and Ito, "Color Universal Design" (2008), and unlike in brightness."""

_SPLITS = ("train", "validation", "test")
_MISSING = "–"


def table(index: pd.DataFrame, events: Mapping[str, pd.DataFrame], protocol: mixtures.Protocol) -> pd.DataFrame:
    """Recordings and events per split, kind and label.

    Parameters
    ----------
    index : pandas.DataFrame
        The soundbank's (`soundbank.read`).
    events : mapping
        Split → its events: `event_label`, `onset`, `offset` (seconds). A split without recordings of its own, such as
        real recordings, has events only.
    protocol : mixtures.Protocol
        Decides which recordings can be placed.

    Returns
    -------
    pandas.DataFrame
        `split`, `kind` (foreground, background), `label`; `recordings`, `sources` and `seconds` that mixtures draw
        from; `left_out` and `left_out_seconds`, the recordings that cannot be placed; `lowest_sample_rate`; `events`
        and `event_seconds` (overlapping events count each) in the split's clips. NaN where nothing applies.
    """
    rows = index[index["split"] != ""]
    foreground = rows["kind"] == "foreground"
    placed = (mixtures.usable(rows, protocol) | ~foreground).rename("placed")
    by = ["split", "kind", "label"]
    used, unused = rows[placed].groupby(by), rows[~placed].groupby(by)
    found = pd.DataFrame(
        {
            "recordings": used.size(),
            "sources": used["source"].nunique(),
            "seconds": used["duration"].sum(),
            "left_out": unused.size(),
            "left_out_seconds": unused["duration"].sum(),
            "lowest_sample_rate": rows.groupby(by)["sample_rate"].min(),
        }
    )
    counted = ["recordings", "sources", "seconds", "left_out", "left_out_seconds"]
    found[counted] = found[counted].fillna(0)
    mixed = [
        annotated.assign(split=split, kind="foreground", label=annotated["event_label"])
        for split, annotated in events.items()
    ]
    mixed = pd.concat([annotated.assign(length=annotated["offset"] - annotated["onset"]) for annotated in mixed])
    heard = mixed.groupby(by)["length"].agg(["size", "sum"]).set_axis(["events", "event_seconds"], axis=1)
    full = found.join(heard, how="outer").reset_index()
    silent = (full["kind"] == "foreground") & full["split"].isin(events) & full["events"].isna()
    full.loc[silent, ["events", "event_seconds"]] = 0
    splits, labels = ordered(full["split"], _SPLITS), ordered(full["label"], LABELS)
    order = [full["split"].map(splits.index), full["kind"] == "background", full["label"].map(labels.index)]
    full = full.assign(**dict(zip("abc", order, strict=True))).sort_values(list("abc"), ignore_index=True)
    return full[COLUMNS].round({"seconds": 3, "left_out_seconds": 3, "event_seconds": 3})


def clip_counts(
    clips: Mapping[str, pd.DataFrame], drawn: Mapping[str, int], keep: Mapping[str, int] | None = None
) -> pd.DataFrame:
    """How many clips each split has.

    Parameters
    ----------
    clips : mapping
        Split → its `clips.csv`.
    drawn : mapping
        Split → clips that were drawn, before the limit of polyphony.
    keep : mapping, optional
        Split → clips wanted of those that stay; without it all.

    Returns
    -------
    pandas.DataFrame
        `split, drawn, wanted, clips, seconds, paper`; NaN where nothing applies.
    """
    rows = [
        (
            split,
            drawn.get(split),
            (keep or {}).get(split),
            len(clips[split]),
            clips[split]["duration"].sum(),
            PAPER_CLIPS.get(split),
        )
        for split in ordered(clips, _SPLITS)
    ]
    numbers = ["drawn", "wanted", "clips", "seconds", "paper"]
    return pd.DataFrame(rows, columns=["split", *numbers]).astype(dict.fromkeys(numbers, float))


def traps(
    index: pd.DataFrame,
    table: pd.DataFrame,
    counts: pd.DataFrame,
    protocol: mixtures.Protocol,
    real: pd.DataFrame | None = None,
) -> list[str]:
    """Caveats about this experiment's results, a sentence each; none where nothing was found.

    Parameters
    ----------
    index : pandas.DataFrame
        The soundbank's (`soundbank.read`).
    table, counts : pandas.DataFrame
        Of the functions `table` and `clip_counts`.
    protocol : mixtures.Protocol
    real : pandas.DataFrame, optional
        Of real recordings, the counts of `recordings.make`: `what, name, count`.
    """
    found = [
        *_narrow_band(index, protocol.sample_rate),
        *_edges(table),
        *_few(table),
        *_unequal(table),
        *_shared(index),
    ]
    lost = index[index["split"] == ""]
    for problem, rows in lost.groupby("problem", sort=True):
        found.append(
            f"{_plural(len(rows), 'recording')} left out, because unusable: {problem} ({_some(rows['path'])})."
        )
    found += _noted(index, protocol.remove_offset)
    heard = index[index["split"] != ""]
    unknown = heard[heard["licence"] == ""]
    if len(unknown):
        found.append(f"The licence of {len(unknown)} of {_plural(len(heard), 'recording')} is not known.")
    for row in counts[counts["clips"] < counts["wanted"]].itertuples():
        found.append(
            f"The {row.split} split has {row.clips:.0f} clips, fewer than the {row.wanted:.0f} wanted: of "
            f"{row.drawn:.0f} drawn, the others exceed the limit of polyphony. Draw more (mixtures.clips)."
        )
    return found if real is None else found + _doubtful(real)


def _doubtful(real: pd.DataFrame) -> list[str]:
    """What may mean that real recordings and their annotations do not belong together."""
    found = []
    for what, rows in real[real["what"].isin(recordings.DOUBTFUL) & (real["count"] > 0)].groupby("what", sort=False):
        named = rows[rows["name"] != ""]
        shown = [
            f"{name}: {count}" if count > 1 else name
            for name, count in named[["name", "count"]][:3].itertuples(index=False, name=None)
        ]
        some = f" ({', '.join(shown)}{', …' if len(named) > 3 else ''})" if shown else ""
        found.append(f"Real recordings: {what}: {rows['count'].max()}{some}.")
    return found


def _noted(index: pd.DataFrame, remove_offset: bool) -> list[str]:
    """What was done with the recordings of which something was noted."""
    done = {
        soundbank.ABOVE: "scaled down as a whole",
        soundbank.OFFSET: "taken away before mixing" if remove_offset else "left in (`mixtures.remove_offset`)",
    }
    notes = index.loc[index["split"] != "", ["path", "notes"]]
    notes = notes.assign(note=notes["notes"].str.split("; ")).explode("note").query("note != ''")
    return [
        f"{_plural(len(rows), 'recording')} with a note: {note}; {done.get(note, 'read to the end')} "
        f"({_some(rows['path'])})."
        for note, rows in notes.groupby("note", sort=True)
    ]


def _some(paths: pd.Series) -> str:
    return ", ".join(paths[:3]) + (", …" if len(paths) > 3 else "")


def _narrow_band(index: pd.DataFrame, sample_rate: int) -> list[str]:
    """A recording sampled more slowly than the mixtures leaves their upper band empty."""
    found = []
    below = index[(index["split"] != "") & (index["sample_rate"] < sample_rate)]
    backgrounds = below[below["kind"] == "background"]
    for (label, rate), rows in backgrounds.groupby(["label", "sample_rate"], sort=True):
        others = ordered(set(index.loc[index["split"] != "", "split"]) - set(rows["split"]), _SPLITS)
        unlike = (
            f" Those of {_list(others)} are not among them, so what is learnt there may not hold." if others else ""
        )
        where = f"{_list(ordered(rows['split'], _SPLITS))}; {_plural(len(rows), 'recording')}"
        found.append(
            f"There is a spectral shortcut in the backgrounds of {label} ({where}): sampled at {_kilo(rate)}, they "
            f"leave the mixtures, at {_kilo(sample_rate)}, empty above {_kilo(rate / 2)} but for the events, which can "
            f"be told by that band alone.{unlike}"
        )
    foreground, all_of = below[below["kind"] == "foreground"], (index["kind"] == "foreground") & (index["split"] != "")
    if len(foreground):
        classes = _list(readable(label) for label in ordered(foreground["label"], LABELS))
        found.append(
            f"{len(foreground)} of {_plural(int(all_of.sum()), 'foreground recording')} (of {classes}) are sampled "
            f"below {_kilo(sample_rate)}, the lowest at {_kilo(foreground['sample_rate'].min())}: their events lack "
            "the upper band."
        )
    return found


def _edges(table: pd.DataFrame) -> list[str]:
    lost = table[table["left_out"] > 0]
    if lost.empty:
        return []
    parts = [f"{row.left_out:.0f} of {readable(row.label)} ({row.split})" for row in lost.itertuples()]
    return [
        f"{_plural(int(lost['left_out'].sum()), 'recording')} without onset and offset left out, because they cannot "
        f"span a clip: {_list(parts)}. `mixtures.missing_edges: cut` uses them."
    ]


def _few(table: pd.DataFrame) -> list[str]:
    rare = table[(table["kind"] == "foreground") & (table["sources"] < few.SOURCES)]
    return [
        f"Fewer than {few.SOURCES} sources in {split}: "
        + _list(f"{readable(row.label)} ({row.sources:.0f})" for row in rows.itertuples())
        + ". Results of these classes are those of few recordings."
        for split, rows in rare.groupby("split", sort=False)
    ] + [
        f"Only {_plural(int(count), 'source')} of backgrounds in {split}: what is chosen or measured there may not "
        "hold for others."
        for split, count in table[table["kind"] == "background"].groupby("split", sort=False)["sources"].sum().items()
        if count < few.SOURCES
    ]


def _unequal(table: pd.DataFrame) -> list[str]:
    found = []
    heard = table[(table["kind"] == "foreground") & (table["split"] == "train") & (table["seconds"] > 0)]
    if len(heard) > 1:
        least, most = (heard.loc[getattr(heard["seconds"], which)()] for which in ("idxmin", "idxmax"))
        if most["seconds"] >= UNEQUAL * least["seconds"]:
            found.append(
                f"The training recordings of {readable(most['label'])} last {most['seconds']:.0f} s together, "
                f"{most['seconds'] / least['seconds']:.0f} times as long as those of {readable(least['label'])}."
            )
    absent = table[(table["kind"] == "foreground") & (table["events"] == 0)]
    return found + [
        f"No event in {split} of {_list(readable(label) for label in rows['label'])}."
        for split, rows in absent.groupby("split", sort=False)
    ]


def _shared(index: pd.DataFrame) -> list[str]:
    known = index[(index["split"] != "") & (index["freesound_id"] != "")]
    splits = known.groupby("freesound_id")["split"].nunique()
    shared = sorted(splits.index[splits > 1], key=int)
    if not shared:
        return []
    some = ", ".join(shared[:5]) + (", …" if len(shared) > 5 else "")
    return [f"{_plural(len(shared), 'freesound recording')} heard in more than one split: {some}."]


def _plural(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _list(items: Iterable[str]) -> str:
    *first, last = items
    return f"{', '.join(first)} and {last}" if first else last


def _kilo(hertz: float) -> str:
    return f"{hertz / 1000:g} kHz"


def csv(table: pd.DataFrame) -> str:
    """The table as comma-separated text: whole numbers as such, three decimals of seconds, missing is empty."""
    whole = ["recordings", "sources", "left_out", "lowest_sample_rate", "events"]
    shown = table.astype(dict.fromkeys(whole, "Int64"))
    return shown.to_csv(index=False, float_format="%.3f", lineterminator="\n")


TITLE = "Data"


def blocks(
    table: pd.DataFrame, counts: pd.DataFrame, traps: Sequence[str], real: pd.DataFrame | None = None
) -> list[Block]:
    """The report: clips, recordings, events, backgrounds, and caveats; for `markdown` and `html_tables.page`.

    Parameters: see `traps`, whose result is the argument of that name.
    """
    splits = list(dict.fromkeys(table["split"]))
    foreground, background = (table[table["kind"] == kind] for kind in ("foreground", "background"))
    clips = [
        [row.split, *map(_whole, (row.drawn, row.wanted, row.clips, row.seconds, row.paper))]
        for row in counts.itertuples()
    ]
    recorded = [split for split in splits if foreground.loc[foreground["split"] == split, "recordings"].notna().any()]
    return [
        Heading("Clips"),
        "Clips drawn; at most so many of those within the limit of polyphony; clips that there are; the paper's.",
        _grid(["Split", "Drawn", "At most", "Clips", "Seconds", "Paper"], clips),
        Heading("Recordings of the classes"),
        "Recordings / sources they were cut from / seconds; in parentheses further recordings that cannot be placed.",
        _wide(foreground, recorded, _recorded),
        Heading("Events in the clips"),
        "Events / seconds.",
        _wide(foreground, splits, _heard),
        Heading("Backgrounds"),
        "Recordings / sources / seconds at the lowest sample rate.",
        _wide(background, recorded, lambda row: f"{_recorded(row)} at {_kilo(row.lowest_sample_rate)}"),
        *([] if real is None else _real(real)),
        Heading("What may mislead"),
        Items(traps) if traps else "Nothing was found.",
    ]


def caveats(traps: Sequence[str]) -> str:
    """The caveats alone, as JSON, for the page of results."""
    return json.dumps(list(traps), ensure_ascii=False, indent=1) + "\n"


def markdown(blocks: Iterable[Block]) -> str:
    """The report in (GitHub's) Markdown."""
    return "\n\n".join([f"# {TITLE}", *map(_in_markdown, blocks)]) + "\n"


def _in_markdown(block: Block) -> str:
    if isinstance(block, Heading):
        return f"## {block.text}"
    if isinstance(block, Items):
        return "\n".join(f"- {text}" for text in block.texts)
    if isinstance(block, str):
        return block
    align = ["---", *["---:"] * (len(block.heads) - 1)]
    rows = [[name for _, name in block.heads], *block.rows]
    escaped = [[cell.replace("|", r"\|") for cell in row] for row in rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (escaped[0], align, *escaped[1:]))


def _real(counts: pd.DataFrame) -> list[Block]:
    totals = counts[(counts["name"] == "") & (counts["count"] > 0)]
    cells = [[what, f"{count}"] for what, count in zip(totals["what"], totals["count"], strict=True)]
    return [
        Heading("Real recordings"),
        "How they became clips; `mixtures/recordings/counts.csv` says more.",
        _grid(["What", "Number"], cells),
    ]


def _whole(value: float) -> str:
    return _MISSING if pd.isna(value) else f"{value:.0f}"


def _length(seconds: float) -> str:
    return _MISSING if pd.isna(seconds) else f"{seconds:.1f}" if seconds < 10 else f"{seconds:.0f}"


def _heard(row) -> str:
    return _MISSING if pd.isna(row.events) else f"{_whole(row.events)} / {_length(row.event_seconds)}"


def _recorded(row) -> str:
    if pd.isna(row.recordings):
        return _MISSING
    shown = f"{_whole(row.recordings)} / {_whole(row.sources)} / {_length(row.seconds)}"
    return f"{shown} (+{row.left_out:.0f})" if row.left_out > 0 else shown


def _wide(rows: pd.DataFrame, splits: Sequence[str], cell) -> Grid:
    """A row a label, a column a split."""
    shown = {(row.label, row.split): cell(row) for row in rows.itertuples()}
    labels = ordered(rows["label"], LABELS)
    cells = [[label, *(shown.get((label, split), _MISSING) for split in splits)] for label in labels]
    return _grid(["Label", *splits], cells)


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Grid:
    return Grid([("", name) for name in head], rows)


@matplotlib.rc_context(RC)
def figure(table: pd.DataFrame) -> Figure:
    """Sound files and seconds per class (above) and background (below), a bar for every split that has them.

    Hatched: recordings that cannot be placed. Bars of classes and of backgrounds have scales of their own.
    """
    rows = table[table["recordings"].notna()]
    splits = list(dict.fromkeys(rows["split"]))
    groups = [_lines(rows[rows["kind"] == kind]) for kind in ("foreground", "background")]
    spans = [group["line"].max() + 1.3 for group in groups]
    figure = Figure(figsize=(WIDTH, 0.13 * sum(spans) + 1.25), layout="constrained")
    panels = figure.subplots(2, 2, sharey="row", gridspec_kw={"height_ratios": spans})
    quantities = (("recordings", "left_out", "Sound files"), ("seconds", "left_out_seconds", "Total length / s"))
    for line, group, span, what in zip(panels, groups, spans, ("Classes", "Backgrounds"), strict=True):
        for ax, (used, unused, title) in zip(line, quantities, strict=True):
            _bars(ax, group, used, unused)
            ax.set_xlabel(title)
        middles = group.groupby("label", sort=False)["line"].mean()
        line[0].set_yticks(middles, [readable(label) for label in middles.index])
        line[0].set_ylabel(what, fontweight="bold")
        line[0].set_ylim(span - 0.5, -0.8)
    figure.align_ylabels(panels[:, 0])
    handles = [Patch(facecolor=_colour(split), label=split) for split in splits]
    if (rows["left_out"] > 0).any():
        handles.append(Patch(facecolor="white", edgecolor="#555555", hatch="//////", label="cannot be placed"))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


def _colour(split: str) -> str:
    return COLOURS.get(split, "#CC669F")


def _lines(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows by label, and where each is drawn: a line a bar, with a gap before the next label."""
    labels = ordered(rows["label"], LABELS)
    rows = rows.assign(place=rows["label"].map(labels.index)).sort_values("place", kind="stable", ignore_index=True)
    return rows.assign(line=rows.index + 0.8 * rows["place"])


def _bars(ax: Axes, rows: pd.DataFrame, used: str, unused: str) -> None:
    colours = [_colour(split) for split in rows["split"]]
    ax.barh(rows["line"], rows[used], 0.88, color=colours, linewidth=0)
    rest = rows[rows[unused] > 0]
    edges = [_colour(split) for split in rest["split"]]
    further = {"facecolor": "white", "edgecolor": edges, "hatch": "//////", "linewidth": 0.6}
    ax.barh(rest["line"], rest[unused], 0.88, left=rest[used], **further)
    widest = (rows[used] + rows[unused]).max()
    shown = _length if used == "seconds" else _whole
    for y, value, more in rows[["line", used, unused]].to_numpy():
        text = shown(value) + (f" + {shown(more)}" if more > 0 else "")
        ax.text(value + more + 0.01 * widest, y, text, va="center", fontsize=7, color="#333333")
    ax.set_xlim(0, (1.26 if len(rest) else 1.16) * widest)
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color="#E5E5E5", linewidth=0.5)
    ax.set_axisbelow(True)
