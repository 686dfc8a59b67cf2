"""The tables of `igsed.report.tables` as people read them: captions, cells, Markdown and LaTeX.

Conventions
-----------
Rates lie in 0…1, but for the Pointing Game (PG), which stands in per cent. What is undefined or missing is "–", never
0. HTML is made by `igsed.report.html_tables`, of the same cells.
"""

from collections.abc import Sequence

import pandas as pd

from igsed import thresholds
from igsed.detectors import limits, title_of
from igsed.metrics import METRICS, Metric
from igsed.report import tables
from igsed.thresholds import Rule

CAPTIONS = {
    "classification": (
        "Clip classification on the test clips: mean ± standard deviation over seeds, the paper's value "
        "beside it. Clips: test clips that hold the class. A precision is undefined (–) where the class "
        "is never predicted; the mean is over the other seeds. F1 of such a class is 0 while clips hold "
        "it. The last row is the mean of the column over these classes, and all test clips."
    ),
    "detection": (
        "Temporal detection on the test clips: mean over (clip, class) pairs with the wider of two bootstrap "
        "intervals, over clips and seeds, or over source recordings, validation clips and seeds; the paper's value "
        "beside it. {protocols} The paper "
        "presumably uses one percentile for all, so its values are to be compared with the shared rows; they "
        "are repeated in all others. A protocol with an addition, such as own_present, scores the pairs that it "
        "names, with thresholds chosen on such pairs. PG (Pointing Game) and AP (average precision) need no threshold; "
        "by class: PG's mean over classes. Pairs: those of all seeds together, and those left out because a metric is "
        "undefined. † marks detectors whose baseline the network does not take for a background (table of baselines). "
        "{warning}"
    ),
    "per_class": (
        "Temporal detection per class, IoU / F1 / Pointing Game in %, with the paper's IoU and F1 in parentheses. "
        "{protocols} The Pointing Game needs no threshold. Average precision and all intervals are in the CSV version."
    ),
    "recordings": (
        "Detection on real recordings and on the synthetic test clips, mean over (clip, class) pairs: AP (average "
        "precision), PG (Pointing Game) and class AUC need no threshold; IoU and F1 under each protocol are at "
        "thresholds of synthetic validation clips, except otsu's. Real, unseen: without the recordings on the overlap "
        "list, which the network may have been trained on. Pairs: those of all seeds together; clips: windows with "
        "such a pair. The classes are in the CSV version. {warning}"
    ),
    "ranking": (
        "The detectors by what needs no threshold, on the test clips: average precision (AP) and Pointing Game (PG) "
        "ask when, class AUC asks what; mean over (clip, class) pairs with the wider of two bootstrap intervals, and "
        "in parentheses the rank with its interval over source recordings and seeds. Borda: the share of the other "
        "detectors that one is better than, mean over the three. Difference: of AP from {reference}, paired, p "
        "Holm-corrected for the detectors of this table; detectable: the difference that this experiment would have "
        "found in four of five cases in spite of the correction. Controls stand below the others; the oracle knows the "
        "events and has no rank. † marks detectors whose baseline the network does not take for a background (table of "
        "baselines)."
    ),
    "baselines": (
        "What the classifier makes of the baselines that attributions start from: medians over the explained (clip, "
        "class) pairs of the test clips and all seeds. |Logit|: of the class; norm: of the pooled embedding, which the "
        "head sees. A baseline is not neutral, marked † here and in Table II, where its median |logit| or its norm "
        "is more than twice the clip's: the network takes it for something else than background, and the attribution "
        "explains that too. Completeness error: of the difference of the logits."
    ),
}
"""The caption of each table, in plain text.

`{protocols}` stands for the notes of the threshold rules, `{warning}` for `shifted` or `hidden`, `{reference}` for the
detector that the others are compared with.
"""

MISSING = "–"
MARK = "†"
"""Stands behind the name of a detector whose baseline is not neutral."""

SHIFT = 1.5
"""How many times as active real recordings may be as synthetic clips, or the reverse, for thresholds to carry over."""


def shifted(table: pd.DataFrame) -> str:
    """A warning where real recordings are active for another share of the time than synthetic clips; else empty.

    `table` is `recordings`'s. Another share is one that is more than `SHIFT` times as large, or as small.
    """
    synthetic, real = active_shares(table)
    if not (max(synthetic, real) > SHIFT * min(synthetic, real)):
        return ""
    return (
        f"Warning: the scored classes are active in {100 * synthetic:.0f} % of the frames of synthetic clips and in "
        f"{100 * real:.0f} % of those of real recordings. A percentile chosen on the former marks as many frames of "
        "the latter, so IoU and F1 under own and shared say little of real recordings, and random scores may lead; "
        "compare by AP, PG and class AUC."
    )


def hidden(table: pd.DataFrame) -> str:
    """A warning of the protocols under which random scores and the oracle do not differ in IoU; else empty.

    `table` is `tables.detection`'s. They do not differ where their intervals overlap.
    """
    chance, ceiling = (next(name for name, limit in limits().items() if limit == one) for one in ("chance", "ceiling"))
    rows, told = table.set_index(["protocol", "detector"]), []
    for protocol in table["protocol"].unique():
        both = [(protocol, chance), (protocol, ceiling)]
        if set(both) <= set(rows.index) and rows.loc[both[1], "iou_low_wide"] <= rows.loc[both[0], "iou_high_wide"]:
            values = [f"{rows.loc[key, 'iou']:.2f}" for key in both]
            told.append(f"Under {protocol} random scores reach {values[0]}, and the oracle no more than {values[1]}")
    if not told:
        return ""
    return f"{'; '.join(told)}: there the threshold hides what detectors know, and IoU and F1 say nothing of them."


def active_shares(table: pd.DataFrame) -> tuple[float, float]:
    """The mean shares of active frames of synthetic clips and of real recordings; `table` is `recordings`'s."""
    means = table[table["label"] == "all"][["synthetic_active_ratio", "real_active_ratio"]].mean()
    return means["synthetic_active_ratio"], means["real_active_ratio"]


def caption_of(
    kind: str,
    chosen: Sequence[Metric] = (),
    rules: Sequence[Rule] | None = None,
    table: pd.DataFrame | None = None,
) -> str:
    """The caption of a table: `CAPTIONS`, with the notes of the threshold rules, and the definitions of metrics.

    `rules` are by default igsed's own; `chosen` is what `detection` was given; `table` what the caption speaks of.
    """
    notes = " ".join(rule.note for rule in (thresholds.built_in() if rules is None else rules))
    definitions = [f"{m.title}: {m.definition}." for m in tables.further(chosen) if m.definition]
    of_table = {"warning": "", "reference": ""}
    if table is not None:
        warnings = {"recordings": shifted, "detection": hidden}
        of_table["warning"] = warnings[kind](table) if kind in warnings else ""
        of_table["reference"] = title_of(table["minus"].iloc[0]) if kind == "ranking" and len(table) else ""
    text = CAPTIONS[kind].format(protocols=notes, **of_table).strip()
    return " ".join([text, *(definitions if kind == "detection" else [])])


def markdown(
    table: pd.DataFrame, caption: str | None = None, chosen: Sequence[Metric] = (), rules: Sequence[Rule] | None = None
) -> str:
    """Any of the tables in (GitHub's) Markdown, below its caption (default and other arguments: `caption_of`)."""
    kind, shown, _ = display(table, chosen)
    heads = [" ".join(filter(None, column)) for column in shown.columns]
    align = ["---" if column[1] in LEFT else "---:" for column in shown.columns]
    rows = [[cell.replace("|", r"\|") for cell in cells] for cells in (heads, align, *shown.to_numpy().tolist())]
    lines = ["| " + " | ".join(cells) + " |" for cells in rows]
    return f"{caption_of(kind, chosen, rules, table) if caption is None else caption}\n\n" + "\n".join(lines) + "\n"


def latex(
    table: pd.DataFrame,
    caption: str | None = None,
    label: str | None = None,
    chosen: Sequence[Metric] = (),
    rules: Sequence[Rule] | None = None,
) -> str:
    """Any of the tables as a LaTeX `table*` that needs the package booktabs.

    `caption` is plain text and is escaped (default and further arguments: `caption_of`); `label` is the key for `\\ref`
    (default: `tab:` and the kind). A rule separates the protocols, the row of means from the classes, and each detector
    of Table VII.
    """
    kind, shown, block = display(table, chosen)
    groups: list[list] = []
    for group, _ in shown.columns:
        if group and groups and groups[-1][0] == group:
            groups[-1][1] += 1
        else:
            groups.append([group, 1])
    spans, below, start = [], [], 1
    for group, width in groups:
        spans.append(rf"\multicolumn{{{width}}}{{c}}{{{escape(group)}}}" if group else "")
        below += [rf"\cmidrule(lr){{{start}-{start + width - 1}}}"] if group else []
        start += width
    body = []
    for position, (cells, here) in enumerate(zip(shown.to_numpy().tolist(), block, strict=True)):
        if position and here != block[position - 1]:
            body.append(r"\midrule")
        body.append(" & ".join(map(escape, cells)) + r" \\")
    lines = [
        r"\begin{table*}[t]",
        r"\centering",
        rf"\caption{{{escape(caption_of(kind, chosen, rules, table) if caption is None else caption)}}}",
        rf"\label{{{label or 'tab:' + kind}}}",
        r"\scriptsize",
        r"\setlength{\tabcolsep}{2pt}",
        rf"\begin{{tabular}}{{{''.join('l' if name in LEFT else 'r' for _, name in shown.columns)}}}",
        r"\toprule",
        " & ".join(spans) + r" \\",
        " ".join(below),
        " & ".join(escape(name) for _, name in shown.columns) + r" \\",
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table*}",
    ]
    return "\n".join(lines) + "\n"


_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        "–": "--",
        "±": r"$\pm$",
        "†": r"$\dagger$",
        **{special: "\\" + special for special in "&%$#_{}"},
    }
)


def escape(text: str) -> str:
    r"""Plain text as LaTeX source.

    >>> escape("Alarm_bell_ringing, 95 %")
    'Alarm\\_bell\\_ringing, 95 \\%'
    """
    return text.translate(_LATEX)


LEFT = ("Class", "Protocol", "Detector", "Sound")
"""The columns that say what a row is."""


def _number(value: float, scale: float = 1, digits: int = 2) -> str:
    return MISSING if pd.isna(value) else f"{value * scale:.{digits}f}"


def _count(value) -> str:
    return MISSING if pd.isna(value) else str(int(value))


def _with_std(value: float, std: float) -> str:
    return _number(value) if pd.isna(value) or pd.isna(std) else f"{value:.2f} ± {std:.2f}"


def _with_interval(value: float, low: float, high: float, scale: float = 1, digits: int = 2) -> str:
    shown = _number(value, scale, digits)
    if pd.isna(value) or pd.isna(low) or pd.isna(high):
        return shown
    return f"{shown} [{_number(low, scale, digits)}, {_number(high, scale, digits)}]"


def _scale(metric: Metric) -> dict[str, int]:
    """How a metric's numbers are shown, where not as they are."""
    return {"scale": 100, "digits": 1} if metric.percent else {}


def _three(iou: float, f1: float, pointing_game: float) -> str:
    shown = _number(pointing_game, 100, 0)
    return MISSING if pd.isna([iou, f1, pointing_game]).all() else f"{_number(iou)} / {_number(f1)} / {shown}"


def _two(iou: float, f1: float) -> str:
    return MISSING if pd.isna(iou) and pd.isna(f1) else f"{_number(iou)} / {_number(f1)}"


def display(table: pd.DataFrame, chosen: Sequence[Metric] = ()) -> tuple[str, pd.DataFrame, list]:
    """What people see: the kind of table, its text under (group, name) columns, and each row's block."""
    if "baseline_norm" in table:
        return "baselines", _display_baselines(table), [0] * len(table)
    if "real_iou" in table:
        return "recordings", *_display_recordings(table)
    if "borda" in table:
        return "ranking", _display_ranking(table), sorted(_blocks(table))
    if "segment_f1" in table:
        return "detection", _display_detection(table, chosen), list(table["protocol"])
    if "detector" in table:
        shown = _display_per_class(table)
        return "per_class", shown, list(shown["", "Protocol"])
    return "classification", _display_classification(table), list(table["label"] == "mean")


def _display_classification(table: pd.DataFrame) -> pd.DataFrame:
    shown = {("", "Class"): table["label"], ("", "Clips"): table["clips"].map(_count)}
    for metric, title in {"precision": "Precision", "recall": "Recall", "f1": "F1"}.items():
        shown[title, "ours"] = map(_with_std, table[metric], table[f"{metric}_std"])
        shown[title, "paper"] = map(_number, table[f"paper_{metric}"])
    shown["", "Undefined seeds"] = table["undefined"].map(_count)
    return _text(shown)


def _display_detection(table: pd.DataFrame, chosen: Sequence[Metric]) -> pd.DataFrame:
    rows = table.to_dict("records")
    percent = {"scale": 100, "digits": 1}
    shown = {
        ("", "Protocol"): table["protocol"],
        ("", "Detector"): [title_of(row["detector"]) + ("" if row["neutral"] else f" {MARK}") for row in rows],
        ("IoU", "ours"): [_with_interval(row["iou"], row["iou_low_wide"], row["iou_high_wide"]) for row in rows],
        ("IoU", "paper"): table["paper_iou"].map(_number),
        ("IoU std", "ours"): table["iou_std"].map(_number),
        ("IoU std", "paper"): table["paper_iou_std"].map(_number),
        ("F1", "ours"): [_with_interval(row["f1"], row["f1_low_wide"], row["f1_high_wide"]) for row in rows],
        ("F1", "paper"): table["paper_f1"].map(_number),
        ("PG / %", "ours"): [
            _with_interval(row["pointing_game"], row["pg_low_wide"], row["pg_high_wide"], **percent) for row in rows
        ],
        ("PG / %", "paper"): [_number(value, **percent) for value in table["paper_pointing_game"]],
        ("PG / %", "by class"): [_number(value, **percent) for value in table["pg_class_mean"]],
        ("", "AP"): [
            _with_interval(*(row[f"average_precision{part}"] for part in ("", "_low_wide", "_high_wide")))
            for row in rows
        ],
        ("F1 (sed_eval)", "segment"): table["segment_f1"].map(_number),
        ("F1 (sed_eval)", "event"): table["event_f1"].map(_number),
        ("Pairs", "all"): table["pairs"].map(_count),
        ("Pairs", "undef."): table["undefined"].map(_count),
    }
    for metric in tables.further(chosen):
        parts = ("", "_low_wide", "_high_wide") if metric.of_pairs else ("",)
        cells = [[row[f"{metric.name}{part}"] for part in parts] for row in rows]
        shown["", metric.title] = [_with_interval(*cell) if metric.of_pairs else _number(*cell) for cell in cells]
    return _text(shown)


def _display_per_class(table: pd.DataFrame) -> pd.DataFrame:
    """A row for each detector, below it the paper's; a column for each class, with its number of pairs."""
    labels = table["label"].unique()
    cells = table.set_index(["protocol", "detector", "label"]).sort_index()
    pairs = table.groupby("label")["pairs"].max()
    keys, rows = [], []
    for protocol, detector in table[["protocol", "detector"]].drop_duplicates().to_numpy():
        own = cells.loc[(protocol, detector)].reindex(labels)
        keys.append((protocol, title_of(detector)))
        rows.append([_three(*values) for values in own[["iou", "f1", "pointing_game"]].to_numpy()])
        if own["paper_iou"].notna().any():
            keys.append((protocol, f"{title_of(detector)}, paper"))
            rows.append([f"({_two(*values)})" for values in own[["paper_iou", "paper_f1"]].to_numpy(float)])
    shown = {("", "Protocol"): [protocol for protocol, _ in keys], ("", "Detector"): [title for _, title in keys]}
    for k, label in enumerate(labels):
        shown[label, f"{pairs[label]} pairs"] = [row[k] for row in rows]
    return _text(shown)


def _display_recordings(table: pd.DataFrame) -> tuple[pd.DataFrame, list]:
    """A row for each detector and sound, the means over all pairs; what needs no threshold first."""
    sounds = [sound for sound in tables.SOUNDS.values() if f"{sound}_iou" in table]
    means = table[table["label"] == "all"]
    protocols = list(means["protocol"].unique())
    cells = means.set_index(["detector", "protocol"])
    keys = [(detector, sound) for detector in means["detector"].unique() for sound in sounds]
    first = [cells.loc[(detector, protocols[0])] for detector, _ in keys]
    pairs = [(row, sound) for row, (_, sound) in zip(first, keys, strict=True)]

    def interval(metric: Metric) -> list[str]:
        columns = metric.name, *(f"{tables.short(metric.name)}_{side}" for side in ("low", "high"))
        return [
            _with_interval(*(row[f"{sound}_{column}"] for column in columns), **_scale(metric)) for row, sound in pairs
        ]

    shown = {
        ("", "Detector"): [title_of(detector) for detector, _ in keys],
        ("", "Sound"): ["real, unseen" if sound == "unseen" else sound for _, sound in keys],
        **{("", metric.heading): interval(metric) for metric in tables.RANKING},
    }
    for protocol in protocols:
        rows = [(cells.loc[(detector, protocol)], sound) for detector, sound in keys]
        shown["IoU / F1", protocol] = [_two(row[f"{sound}_iou"], row[f"{sound}_f1"]) for row, sound in rows]
    shown["", "Active / %"] = [_number(row[f"{sound}_active_ratio"], 100, 0) for row, sound in pairs]
    for count in ("pairs", "clips"):
        shown["", count.capitalize()] = [_count(row[f"{sound}_{count}"]) for row, sound in pairs]
    return _text(shown), [detector for detector, _ in keys]


def _blocks(table: pd.DataFrame) -> list[int]:
    """0 for the methods of a ranking, 1 for the controls, 2 for what has no rank."""
    return [2 if pd.isna(borda) else int(control) for borda, control in table[["borda", "control"]].to_numpy(float)]


def _display_ranking(table: pd.DataFrame) -> pd.DataFrame:
    """Methods first, below them the controls, then what knows the truth; each by Borda."""
    place = _blocks(table)
    rows = [
        row for block in (0, 1, 2) for row, here in zip(table.to_dict("records"), place, strict=True) if here == block
    ]
    shown = {
        ("", "Detector"): [title_of(row["detector"]) + ("" if row["neutral"] else f" {MARK}") for row in rows],
        ("", "Borda"): [_ranked(row, "borda", _number(row["borda"])) for row in rows],
    }
    chosen = [name.removesuffix("_rank") for name in table if name.endswith("_rank") and name != "borda_rank"]
    for metric in chosen:
        options = _scale(METRICS.find(metric))
        cells = [
            _with_interval(*(row[f"{metric}{part}"] for part in ("", "_low_wide", "_high_wide")), **options)
            for row in rows
        ]
        shown["", METRICS.find(metric).heading] = [
            _ranked(row, metric, cell) for row, cell in zip(rows, cells, strict=True)
        ]
    shown["Difference of AP", "value"] = [
        _with_interval(row["difference"], row["difference_low"], row["difference_high"]) for row in rows
    ]
    shown["Difference of AP", "p"] = [
        MISSING if pd.isna(row["p_holm"]) else f"{row['p_holm']:.3f}" if row["p_holm"] >= 0.001 else "< 0.001"
        for row in rows
    ]
    shown["Difference of AP", "detectable"] = [_number(row["detectable"]) for row in rows]
    return _text(shown)


def _ranked(row: dict, metric: str, value: str) -> str:
    rank, low, high = (row[f"{metric}_{part}"] for part in ("rank", "rank_low", "rank_high"))
    if pd.isna(rank):
        return value
    return f"{value} ({rank:g}; {low:.0f}–{high:.0f})"


def _display_baselines(table: pd.DataFrame) -> pd.DataFrame:
    names = [title_of(d) + ("" if neutral else f" {MARK}") for d, neutral in table[["detector", "neutral"]].to_numpy()]
    return _text(
        {
            ("", "Detector"): names,
            ("|Logit|", "clip"): [_number(value, digits=1) for value in table["logit"]],
            ("|Logit|", "baseline"): [_number(value, digits=1) for value in table["baseline_logit"]],
            ("Norm", "clip"): [_number(value, digits=0) for value in table["norm"]],
            ("Norm", "baseline"): [_number(value, digits=0) for value in table["baseline_norm"]],
            ("", "Pieces"): [_number(value, digits=0) for value in table["n_steps"]],
            ("Completeness error", "median"): [_small(value) for value in table["completeness_error"]],
            ("Completeness error", "worst"): [_small(value) for value in table["completeness_error_worst"]],
            ("", "Pairs"): table["pairs"].map(_count),
        }
    )


def _small(value: float) -> str:
    return MISSING if pd.isna(value) else f"{value:.0e}"


def _text(columns: dict) -> pd.DataFrame:
    return pd.DataFrame({key: list(values) for key, values in columns.items()})
