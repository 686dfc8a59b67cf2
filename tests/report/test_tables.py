"""Tables I-IV and that of baselines: right numbers from small hand-made results, and faithful text versions."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from igsed import LABELS
from igsed.report import paper, tables, typesetting

CONTRACT = [
    "detector",
    "protocol",
    "iou",
    "iou_low",
    "iou_high",
    "iou_std",
    "f1",
    "f1_low",
    "f1_high",
    "pointing_game",
    "pg_low",
    "pg_high",
    "paper_iou",
    "paper_f1",
    "paper_pointing_game",
]


def predictions(rows):
    return pd.DataFrame(rows, columns=["seed", "clip", "label", "probability", "predicted", "present"])


def intervals(detectors=("energy", "ig", "mine"), labels=("Dog", "Cat"), protocols=("shared", "own")):
    """Every value is different, so that a mix-up shows: `value` counts up from 0.001."""
    metrics = ("iou", "f1", "precision", "recall", "pointing_game", "average_precision")
    rows = [
        (detector, protocol, label, metric)
        for detector in detectors
        for protocol in protocols
        for label in (*labels, "all", "class_mean")
        for metric in metrics
    ]
    table = pd.DataFrame(rows, columns=["detector", "protocol", "label", "metric"])
    table["value"] = (np.arange(len(table)) + 1) / 1000
    table["low"], table["high"] = table["value"] - 0.0004, table["value"] + 0.0004
    table["std"] = table["value"] / 2
    table["pairs"], table["clips"], table["seeds"] = 10 + np.arange(len(table)), 9, 3
    table["undefined"] = (table["metric"] == "pointing_game") * 4
    return table


def with_recordings(unseen=True, **changes):
    """Intervals of every split; Cat occurs only in synthetic clips, Frying only in real ones."""
    splits = ["test", "recordings", *(["recordings_unseen"] if unseen else [])]
    tables = [intervals(labels=("Dog", "Cat", "Frying"), **changes).assign(split=split) for split in splits]
    for k, table in enumerate(tables):
        table[["value", "low", "high"]] += 0.1002 * k
        table["clips"] -= k
    both = pd.concat(tables, ignore_index=True)
    absent = (both["label"] == "Cat") & (both["split"] != "test") | (both["label"] == "Frying") & (
        both["split"] == "test"
    )
    both.loc[absent, ["value", "low", "high", "std"]] = np.nan
    both.loc[absent, ["pairs", "clips", "seeds"]] = 0
    return both


def attribution(logit=2.0, baseline_logit=1.0, norm=10.0, baseline_norm=5.0, rows=3, **more):
    """What a method tells of some pairs, all alike but for what `more` says."""
    same = {"logit": logit, "baseline_logit": baseline_logit, "norm": norm, "baseline_norm": baseline_norm}
    table = pd.DataFrame({**same, "n_steps": 16, "completeness_error": 1e-3}, index=range(rows))
    return table.assign(clip=[f"c{k}" for k in range(rows)], label="Dog", **more)


MADE = {
    "classification": lambda small: tables.classification(small),
    "detection": lambda _: tables.detection(intervals()),
    "per_class": lambda _: tables.per_class(intervals()),
    "recordings": lambda _: tables.recordings(with_recordings()),
    "baselines": lambda _: tables.baselines(
        {"ig": attribution(), "mine": attribution(baseline_norm=21.0)}, ["mine", "ig", "energy"]
    ),
}


def cell(table, column="value", **keys):
    return table.loc[np.logical_and.reduce([table[key] == value for key, value in keys.items()]), column].item()


@pytest.fixture
def small():
    """Two seeds, three clips, two classes; seed 1 never predicts Dog; the last clip holds neither."""
    return predictions(
        [
            (0, "a", "Dog", 0.9, 1, 1),
            (0, "b", "Dog", 0.8, 1, 0),
            (0, "c", "Dog", 0.1, 0, 0),
            (1, "a", "Dog", 0.2, 0, 1),
            (1, "b", "Dog", 0.2, 0, 0),
            (1, "c", "Dog", 0.2, 0, 0),
            (0, "a", "Cat", 0.9, 1, 1),
            (0, "b", "Cat", 0.9, 1, 1),
            (0, "c", "Cat", 0.1, 0, 0),
            (1, "a", "Cat", 0.9, 1, 1),
            (1, "b", "Cat", 0.2, 0, 1),
            (1, "c", "Cat", 0.1, 0, 0),
        ]
    )


def test_paper_holds_the_published_numbers():
    assert tuple(paper.CLASSIFICATION) == LABELS
    assert paper.CLASSIFICATION["Blender"] == (1.00, 0.15, 0.27)
    assert paper.CLASSIFICATION["Vacuum_cleaner"] == (0.86, 0.46, 0.60)
    assert paper.CLASSIFICATION["Speech"].recall == 0.98
    assert list(paper.DETECTION) == ["ig", "fw_ws", "fw_ss", "random", "energy"]
    assert paper.DETECTION["ig"] == (0.39, 0.52, 0.23, 0.826)
    assert paper.DETECTION["fw_ss"].pointing_game == 0.979
    assert paper.DETECTION["energy"] == (0.16, 0.24, 0.16, 0.159)
    assert len(paper.PER_CLASS) == 30
    assert paper.PER_CLASS["Dog", "ig"] == (0.45, 0.57)
    assert paper.PER_CLASS["Frying", "fw_ws"] == (0.52, 0.68)
    assert paper.PER_CLASS["Blender", "fw_ss"] == (0.69, 0.82)
    assert ("fw_ss", "f1", 29, 0.77) in paper.PEAKS
    assert ("ig", "iou", 56, 0.39) in paper.PEAKS


def test_the_papers_f1_follows_from_its_precision_and_recall():
    """A typing error in Table I would break the harmonic mean, up to rounding."""
    for precision, recall, f1 in paper.CLASSIFICATION.values():
        assert 2 * precision * recall / (precision + recall) == pytest.approx(f1, abs=0.011)


def test_the_papers_numbers_cannot_be_changed():
    with pytest.raises(TypeError):
        paper.DETECTION["ig"] = None
    with pytest.raises(AttributeError):
        paper.DETECTION["ig"].iou = 1.0


def test_classification(small):
    table = tables.classification(small).set_index("label")
    assert list(table.index) == ["Cat", "Dog", "mean"]
    dog, cat, mean = table.loc["Dog"], table.loc["Cat"], table.loc["mean"]
    assert (dog["clips"], cat["clips"], mean["clips"]) == (1, 2, 3)
    assert (dog["precision"], dog["recall"]) == (0.5, 0.5)
    assert dog["f1"] == pytest.approx((2 / 3 + 0) / 2)
    assert np.isnan(dog["precision_std"])
    assert dog["undefined"] == 1
    assert (cat["precision"], cat["recall"], cat["undefined"]) == (1.0, 0.75, 0)
    assert cat["recall_std"] == pytest.approx(np.std([1, 0.5], ddof=1))
    assert mean["recall"] == pytest.approx(0.625)
    assert mean["undefined"] == 1
    assert mean["recall_std"] == pytest.approx(np.std([1, 0.25], ddof=1))
    assert (dog["paper_precision"], dog["paper_recall"], dog["paper_f1"]) == (1.00, 0.56, 0.71)
    assert mean["paper_f1"] == pytest.approx((0.71 + 0.90) / 2)


def test_a_class_that_is_never_predicted_is_undefined_not_zero(small):
    table = tables.classification(small[small["seed"] == 1])
    dog = table.set_index("label").loc["Dog"]
    assert np.isnan(dog["precision"])
    assert dog["recall"] == 0
    assert dog["f1"] == 0
    assert dog["undefined"] == 1
    row = next(line for line in typesetting.markdown(table).splitlines() if line.startswith("| Dog"))
    assert row == "| Dog | 1 | – | 1.00 | 0.00 | 0.56 | 0.00 | 0.71 | 1 |"
    assert re.search(r"^Dog,1,,,1\.000000,0\.000000,", tables.csv(table), re.M)


def test_a_class_absent_from_the_test_split(small):
    absent = small.assign(present=np.where(small["label"] == "Dog", 0, small["present"]), predicted=0)
    dog = tables.classification(absent).set_index("label").loc["Dog"]
    assert dog["clips"] == 0
    assert dog[["precision", "recall", "f1"]].isna().all()
    assert dog["undefined"] == 2


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30))
def test_f1_is_the_harmonic_mean_where_both_are_defined(decisions):
    rows = [(0, str(i), "Dog", 0.5, int(a), int(b)) for i, (a, b) in enumerate(decisions)]
    dog = tables.classification(predictions(rows)).iloc[0]
    assert dog[["precision", "recall", "f1"]].dropna().between(0, 1).all()
    if dog["precision"] > 0 and dog["recall"] > 0:
        assert dog["f1"] == pytest.approx(2 / (1 / dog["precision"] + 1 / dog["recall"]))


def test_detection_columns_and_rows():
    table = tables.detection(intervals())
    assert list(table.columns[: len(CONTRACT)]) == CONTRACT
    assert set(table.columns[len(CONTRACT) :]) == {
        *("average_precision", "average_precision_low", "average_precision_high", "segment_f1", "event_f1"),
        *("pg_class_mean", "paper_iou_std", "pairs", "undefined", "neutral"),
        *(f"{name}_{side}_wide" for name in ("iou", "f1", "pg", "average_precision") for side in ("low", "high")),
    }
    rows = list(zip(table["protocol"], table["detector"], strict=True))
    assert rows == [(p, d) for p in ("own", "shared") for d in ("ig", "energy", "mine")]
    asked = tables.detection(intervals(), detectors=["mine", "ig", "energy", "random"])
    assert list(asked["detector"]) == ["mine", "ig", "energy", "random"] * 2
    assert asked[asked["detector"] == "random"][["iou", "f1", "pairs"]].isna().all(axis=None)


def test_detection_values():
    source = intervals()
    table = tables.detection(source)
    for _, row in table.iterrows():
        keys = {"detector": row["detector"], "protocol": row["protocol"], "label": "all"}
        for metric, short in {
            "iou": "iou",
            "f1": "f1",
            "pointing_game": "pg",
            "average_precision": "average_precision",
        }.items():
            assert row[metric] == cell(source, **keys, metric=metric)
            assert row[f"{short}_low"] == cell(source, "low", **keys, metric=metric)
            assert row[f"{short}_high"] == cell(source, "high", **keys, metric=metric)
        assert row["iou_std"] == cell(source, "std", **keys, metric="iou")
        assert row["pairs"] == cell(source, "pairs", **keys, metric="iou")
        assert row["undefined"] == 4
        keys["label"] = "class_mean"
        assert row["pg_class_mean"] == cell(source, **keys, metric="pointing_game")
    ig, mine = table[table["detector"] == "ig"], table[table["detector"] == "mine"]
    assert (ig["paper_iou"] == 0.39).all()
    assert (ig["paper_pointing_game"] == 0.826).all()
    assert mine[["paper_iou", "paper_f1", "paper_pointing_game", "segment_f1"]].isna().all(axis=None)


def test_segment_and_event_f1_are_test_means_over_seeds():
    columns = ["detector", "seed", "split", "protocol", "label", "metric", "value"]
    rows = [
        ("ig", 0, "test", "own", "all", "segment_f1", 0.2),
        ("ig", 1, "test", "own", "all", "segment_f1", 0.4),
        ("ig", 0, "validation", "own", "all", "segment_f1", 0.9),
        ("ig", 0, "test", "own", "Dog", "segment_f1", 0.9),
        ("ig", 0, "test", "shared", "all", "event_f1", 0.1),
    ]
    table = tables.detection(intervals(), pd.DataFrame(rows, columns=columns)).set_index(["detector", "protocol"])
    assert table.loc[("ig", "own"), "segment_f1"] == pytest.approx(0.3)
    assert table.loc[("ig", "shared"), "event_f1"] == pytest.approx(0.1)
    assert np.isnan(table.loc[("ig", "own"), "event_f1"])


def test_per_class():
    source = intervals()
    without = source[~((source["label"] == "Cat") & (source["detector"] == "ig"))]
    table = tables.per_class(without)
    expected = "label detector protocol iou iou_low iou_high f1 f1_low f1_high pairs paper_iou paper_f1 clips undefined"
    assert list(table.columns[:14]) == expected.split()
    ends = {"low", "high", "low_wide", "high_wide"}
    further = {f"{name}_{end}" for name in ("pg", "average_precision") for end in ends}
    further |= {f"{name}_{end}" for name in ("iou", "f1") for end in ("low_wide", "high_wide")}
    assert set(table.columns[14:]) == further | {"pointing_game", "average_precision", "sources"}
    assert table["sources"].isna().all()
    assert list(table["label"].unique()) == ["Cat", "Dog"]
    assert len(table) == 12
    dog = table.set_index(["label", "detector", "protocol"]).loc["Dog", "ig", "shared"]
    keys = {"detector": "ig", "protocol": "shared", "label": "Dog"}
    assert dog["iou"] == cell(source, **keys, metric="iou")
    assert dog["f1_high"] == cell(source, "high", **keys, metric="f1")
    assert dog["pointing_game"] == cell(source, **keys, metric="pointing_game")
    assert dog["average_precision_low"] == cell(source, "low", **keys, metric="average_precision")
    assert dog["pg_high_wide"] == cell(source, "high", **keys, metric="pointing_game")
    told = tables.per_class(without.assign(sources=4)).set_index(["label", "detector", "protocol"])["sources"]
    assert (told["Dog", "ig", "own"], told["Cat", "ig", "own"]) == (4, 0)
    wider = source.assign(low_wide=source["low"] - 0.01, high_wide=source["high"] + 0.01)
    wide = tables.per_class(wider).set_index(["label", "detector", "protocol"]).loc["Dog", "ig", "shared"]
    assert wide["iou_low_wide"] == pytest.approx(dog["iou_low"] - 0.01)
    assert wide["pg_high_wide"] == pytest.approx(dog["pg_high"] + 0.01)
    assert (dog["paper_iou"], dog["paper_f1"]) == (0.45, 0.57)
    missing = table.set_index(["label", "detector", "protocol"]).loc["Cat", "ig", "own"]
    assert missing["pairs"] == 0
    assert np.isnan(missing["iou"])
    assert missing["paper_iou"] == 0.47


def test_classes_stand_side_by_side_and_the_paper_s_row_below_ours():
    source = intervals()
    source = source[~((source["label"] == "Cat") & (source["detector"] == "ig"))]
    table = tables.per_class(source)
    table.loc[(table["label"] == "Dog") & (table["detector"] == "ig"), ["iou", "f1", "pointing_game"]] = (
        0.314,
        0.271,
        0.82,
    )
    cat, dog = (table.loc[table["label"] == label, "pairs"].max() for label in ("Cat", "Dog"))
    header, rule, *rows = typesetting.markdown(table).splitlines()[2:]
    assert header == f"| Protocol | Detector | Cat {cat} pairs | Dog {dog} pairs |"
    assert rule == "| --- | --- | ---: | ---: |"
    cells = [row.strip("| ").split(" | ") for row in rows]
    names = ["IG", "IG, paper", "Energy", "mine"]
    assert [row[:2] for row in cells] == [[protocol, name] for protocol in ("own", "shared") for name in names]
    assert rows[:2] == ["| own | IG | – | 0.31 / 0.27 / 82 |", "| own | IG, paper | (0.47 / 0.61) | (0.45 / 0.57) |"]
    assert rows[4:6] == [rows[0].replace("own", "shared"), rows[1].replace("own", "shared")]
    latex = typesetting.latex(table).splitlines()
    start = latex.index(r"own & IG & -- & 0.31 / 0.27 / 82 \\")
    assert latex[start + 1] == r"own & IG, paper & (0.47 / 0.61) & (0.45 / 0.57) \\"
    assert latex[start + 4] == r"\midrule"


def test_a_class_that_the_paper_lacks_has_a_dash_in_its_row():
    rows = typesetting.markdown(tables.per_class(intervals(labels=("Zebra", "Cat"), detectors=("ig",)))).splitlines()
    assert "| own | IG, paper | (0.47 / 0.61) | (–) |" in rows
    unknown = typesetting.markdown(tables.per_class(intervals(labels=("Zebra",), detectors=("ig",))))
    assert "IG, paper" not in unknown


def test_baselines_are_medians_over_the_pairs():
    known = attribution(
        logit=[-1.0, 2.0, 9.0],
        baseline_logit=[0.5, -0.25, 4.0],
        norm=[10.0, 30.0, 20.0],
        baseline_norm=[3.0, 1.0, 2.0],
        n_steps=[16, 64, 32],
        completeness_error=[1e-4, np.inf, 1e-2],
    )
    silent = attribution(baseline_logit=np.nan, baseline_norm=np.nan)
    table = tables.baselines(
        {"mine": known, "saliency": silent, "ig": attribution()}, ["ig", "saliency", "mine", "cam"]
    )
    assert list(table.columns) == [
        *("detector", "logit", "baseline_logit", "norm", "baseline_norm", "n_steps"),
        *("completeness_error", "completeness_error_worst", "pairs", "neutral"),
    ]
    assert table["detector"].tolist() == ["ig", "mine"]
    mine = table.set_index("detector").loc["mine"].to_dict()
    error = {"completeness_error": pytest.approx((1e-4 + 1e-2) / 2), "completeness_error_worst": 1e-2}
    numbers = {"logit": 2, "baseline_logit": 0.5, "norm": 20, "baseline_norm": 2, "n_steps": 32}
    assert mine == {**numbers, **error, "pairs": 3, "neutral": 1}


@pytest.mark.parametrize(
    ("baseline", "neutral"),
    [
        ({"logit": -2.0, "baseline_logit": 4.0}, True),
        ({"logit": -2.0, "baseline_logit": -4.001}, False),
        ({"norm": 10.0, "baseline_norm": 20.0}, True),
        ({"norm": 10.0, "baseline_norm": 20.001}, False),
        # One pair in three does not move the median.
        ({"baseline_norm": [99.0, 1.0, 1.0]}, True),
        ({"baseline_norm": [99.0, 99.0, 1.0]}, False),
        ({"norm": np.nan, "baseline_norm": np.nan}, True),
    ],
)
def test_a_baseline_is_neutral_up_to_the_limits(baseline, neutral):
    table = tables.baselines({"ig": attribution(**baseline)}, ["ig"])
    assert table["neutral"].tolist() == [neutral]
    assert tables.marked(table) == ([] if neutral else ["ig"])


def test_only_detectors_whose_baseline_is_not_neutral_are_marked():
    foreign = attribution(baseline_norm=21.0)
    baselines = tables.baselines({"ig": foreign, "mine": attribution(), "b": foreign}, ["b", "mine", "ig"])
    assert tables.marked(baselines) == ["b", "ig"]
    for table in (baselines, tables.detection(intervals(), foreign=tables.marked(baselines))):
        text, latex = typesetting.markdown(table, ""), typesetting.latex(table, "")
        assert set(table.loc[table["neutral"] == 0, "detector"]) & {"ig", "mine", "energy"} == {"ig"}
        assert set(table["neutral"]) == {0, 1}
        assert "| IG † |" in text
        assert "| mine |" in text
        assert "mine †" not in text
        assert r"IG $\dagger$ &" in latex
        assert r"mine &" in latex
        assert latex.isascii()
    plain = tables.detection(intervals())
    assert (plain["neutral"] == 1).all()
    assert "†" not in typesetting.markdown(plain, "")
    assert "dagger" not in typesetting.latex(plain, "")


def test_people_see_baselines_in_few_digits():
    source = attribution(2.345, -1.26, 101.7, 55.4, completeness_error=[2e-4, 3e-4, 0.0123])
    assert typesetting.markdown(tables.baselines({"ig": source}, ["ig"]), "").splitlines()[2:] == [
        r"| Detector | \|Logit\| clip | \|Logit\| baseline | Norm clip | Norm baseline | Pieces | "
        "Completeness error median | Completeness error worst | Pairs |",
        "| --- |" + " ---: |" * 8,
        "| IG | 2.3 | 1.3 | 102 | 55 | 16 | 3e-04 | 1e-02 | 3 |",
    ]


def test_an_experiment_without_baselines_has_an_empty_table_of_them():
    table = tables.baselines({"saliency": attribution(baseline_logit=np.nan)}, ["saliency", "energy"])
    assert table.empty
    assert tables.marked(table) == []
    assert tables.csv(table).startswith("detector,logit,")
    assert typesetting.markdown(table).count("\n| ") == 2
    assert r"\bottomrule" in typesetting.latex(table)


def test_recordings_stand_beside_the_synthetic_clips():
    source = with_recordings()
    table = tables.recordings(source)
    numbers = [
        "iou",
        "iou_low",
        "iou_high",
        "f1",
        "f1_low",
        "f1_high",
        "pointing_game",
        "pg_low",
        "pg_high",
        *("average_precision", "average_precision_low", "average_precision_high"),
        *("class_auc", "class_auc_low", "class_auc_high"),
        "active_ratio",
        "pairs",
        "clips",
        "undefined",
        "sources",
    ]
    sounds = ("synthetic", "real", "unseen")
    assert list(table.columns) == [
        *("label", "detector", "protocol"),
        *(f"{sound}_{number}" for sound in sounds for number in numbers),
    ]
    rows = list(zip(table["protocol"], table["label"], table["detector"], strict=True))
    labels = ("Cat", "Dog", "Frying", "class_mean", "all")
    assert rows == [(p, x, d) for p in ("own", "shared") for x in labels for d in ("ig", "energy", "mine")]
    for _, row in table.iterrows():
        keys = {key: row[key] for key in ("detector", "protocol", "label")}
        for sound, split in zip(sounds, ("test", "recordings", "recordings_unseen"), strict=True):
            for metric, short in {"iou": "iou", "f1": "f1", "pointing_game": "pg"}.items():
                for column, part in ((metric, "value"), (f"{short}_low", "low"), (f"{short}_high", "high")):
                    expected = cell(source, part, **keys, split=split, metric=metric)
                    assert row[f"{sound}_{column}"] == pytest.approx(expected, nan_ok=True)
            for count in ("pairs", "clips", "undefined"):
                assert row[f"{sound}_{count}"] == cell(source, count, **keys, split=split, metric="iou")
    cat = table[table["label"] == "Cat"]
    assert cat["real_iou"].isna().all()
    assert (cat["real_pairs"] == 0).all()
    assert cat["synthetic_iou"].notna().all()


def test_recordings_without_an_overlap_list_and_of_the_two_protocols_alone():
    source = with_recordings(unseen=False, protocols=("own", "own_present", "shared"))
    table = tables.recordings(source, detectors=["energy", "ig", "fw_ss"])
    assert not [column for column in table if column.startswith("unseen")]
    assert list(table["protocol"].unique()) == ["own", "shared"]
    assert list(table["detector"][:3]) == ["energy", "ig", "fw_ss"]
    absent = table[table["detector"] == "fw_ss"]
    assert absent["real_iou"].isna().all()
    assert (absent["real_pairs"] == 0).all()


def test_recordings_for_people_begin_with_what_needs_no_threshold():
    table = tables.recordings(with_recordings(detectors=("ig", "mine")))
    here = (table["label"] == "all") & (table["protocol"] == "own") & (table["detector"] == "ig")
    columns = [f"real_{column}" for column in ("iou", "f1", "pointing_game", "pg_low", "pg_high", "pairs", "clips")]
    table.loc[here, columns] = 0.314, 0.271, 0.5, 0.25, 0.75, 777, 66
    text = typesetting.markdown(table).splitlines()
    assert text[2] == (
        "| Detector | Sound | AP | PG / % | Class AUC | IoU / F1 own | IoU / F1 shared | Active / % | Pairs | Clips |"
    )
    ig = [line for line in text if line.startswith("| IG |")]
    assert [line.split(" | ")[1] for line in ig] == ["synthetic", "real", "real, unseen"]
    cells = ig[1].strip("| ").split(" | ")
    assert cells[3] == "50.0 [25.0, 75.0]"
    assert cells[5] == "0.31 / 0.27"
    assert cells[-2:] == ["777", "66"]
    assert not any("Dog" in line for line in text)
    assert r"\midrule" in typesetting.latex(table)


@pytest.mark.parametrize(("synthetic", "real", "warned"), [(0.2, 0.7, True), (0.6, 0.2, True), (0.2, 0.28, False)])
def test_another_share_of_active_frames_is_warned_of(synthetic, real, warned):
    source = with_recordings(unseen=False)
    keys = source[["detector", "protocol", "split", "label"]].drop_duplicates()
    ratios = keys.assign(
        metric="active_ratio", value=keys["split"].map({"test": synthetic, "recordings": real}), seed=0, n=1
    )
    text = typesetting.markdown(tables.recordings(source, ratios))
    assert ("Warning" in text) == warned
    if warned:
        assert f"{100 * synthetic:.0f} % of the frames of synthetic clips and in {100 * real:.0f} %" in text


def ranks_of(values):
    """Ranks as `igsed.statistics.ranking` gives them, each with an interval of one more and less."""
    rows = [
        (metric, detector, value, rank, rank - 1, rank + 1)
        for metric in ("average_precision", "class_auc", "borda")
        for rank, (detector, value) in enumerate(values.items(), start=1)
    ]
    return pd.DataFrame(rows, columns=["metric", "detector", "value", "rank", "rank_low", "rank_high"])


def test_ranking_has_the_best_first_and_controls_below():
    values = {"energy": 0.9, "ig": 0.6, "fw_ws": 0.3}
    source = pd.DataFrame(
        [
            (detector, "own", "all", metric, value, value - 0.1, value + 0.1, value - 0.2, value + 0.2)
            for detector, value in {**values, "oracle": 1.0}.items()
            for metric in ("average_precision", "class_auc")
        ],
        columns=["detector", "protocol", "label", "metric", "value", "low", "high", "low_wide", "high_wide"],
    )
    differences = pd.DataFrame(
        [("fw_ws", "ig", "own", "all", "average_precision", -0.3, -0.4, -0.2, 0.0004, 0.15)],
        columns=[
            "detector",
            "minus",
            "protocol",
            "label",
            "metric",
            "value",
            "low_wide",
            "high_wide",
            "p_holm",
            "detectable",
        ],
    )
    names = ["ig", "fw_ws", "energy", "oracle"]
    table = tables.ranking(ranks_of(values), source, differences, "own", names, ["ig"], ["energy"])
    assert table["detector"].tolist() == ["energy", "ig", "fw_ws", "oracle"]
    assert table["average_precision_low_wide"].tolist() == pytest.approx([0.7, 0.4, 0.1, 0.8])
    text = typesetting.markdown(table).splitlines()
    heads = [
        "Detector",
        "Borda",
        "AP",
        "Class AUC",
        *(f"Difference of AP {part}" for part in ("value", "p", "detectable")),
    ]
    assert text[2] == f"| {' | '.join(heads)} |"
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text[4:]]
    assert [row[0] for row in rows] == ["IG †", "FW-WS", "Energy", "Oracle"]
    assert rows[0][2] == "0.60 [0.40, 0.80] (2; 1–3)"
    assert rows[1][4:] == ["-0.30 [-0.40, -0.20]", "< 0.001", "0.15"]
    assert rows[3][1:3] == ["–", "1.00 [0.80, 1.20]"]
    assert "of AP from IG," in text[0]
    lines = typesetting.latex(table).splitlines()
    ruled = [lines[k + 1].partition(" &")[0] for k, line in enumerate(lines) if line == r"\midrule"]
    assert ruled == [r"IG $\dagger$", "Energy", "Oracle"]


def test_people_see_two_digits_intervals_and_per_cent():
    table = tables.detection(intervals(detectors=("ig", "fw_ws")))
    table.loc[0, ["iou", "iou_low_wide", "iou_high_wide"]] = 0.3921, 0.351, 0.4349
    table.loc[0, ["pointing_game", "pg_low_wide", "pg_high_wide"]] = 0.8263, 0.78, 0.869
    text = typesetting.markdown(table)
    assert "| own | IG | 0.39 [0.35, 0.43] | 0.39 |" in text
    assert "| 82.6 [78.0, 86.9] | 82.6 |" in text
    assert "FW-WS" in text
    assert "shared rows" in text
    assert "own & IG & 0.39 [0.35, 0.43] & 0.39 &" in typesetting.latex(table)


@pytest.mark.parametrize("kind", MADE)
def test_text_versions_are_well_formed(kind, small):
    table = MADE[kind](small)
    text = typesetting.markdown(table)
    assert text.startswith(typesetting.caption_of(kind))
    assert typesetting.markdown(table, "Mine").startswith("Mine\n\n|")
    pipes = {len(re.findall(r"(?<!\\)\|", line)) for line in text.splitlines() if line.startswith("|")}
    assert len(pipes) == 1
    assert "nan" not in text.lower()
    assert "<NA>" not in text
    source = typesetting.latex(table, label="tab:x")
    assert r"\label{tab:x}" in source
    assert rf"\label{{tab:{kind}}}" in typesetting.latex(table)
    body = source.split(r"\begin{tabular}")[1]
    columns = len(re.match(r"\{([lr]+)\}", body).group(1))
    for line in body.splitlines():
        if line.endswith(r"\\"):
            spans = [int(n) for n in re.findall(r"\\multicolumn\{(\d+)\}", line)]
            assert line.count(" & ") + 1 + sum(spans) - len(spans) == columns
    assert all(rule in source for rule in (r"\toprule", r"\midrule", r"\bottomrule"))
    plain = re.sub(r"\$\\pm\$|\$\\dagger\$|\\label\{.*\}", "", source)
    assert not re.search(r"(?<!\\)[_%#$](?!\\pm|\$)", plain)
    assert source.count("{") == source.count("}")
    assert source.isascii()


def test_latex_escapes_every_special_character():
    assert typesetting.escape(r"a\b") == r"a\textbackslash{}b"
    assert typesetting.escape("&%$#_{}") == r"\&\%\$\#\_\{\}"
    assert typesetting.escape("~^") == r"\textasciitilde{}\textasciicircum{}"
    assert typesetting.escape("–") == "--"
    table = tables.detection(intervals(detectors=("my_50%_det&r",)))
    assert r"own & my\_50\%\_det\&r &" in typesetting.latex(table, caption="50 % & more")
    assert r"\caption{50 \% \& more}" in typesetting.latex(table, caption="50 % & more")


def test_markdown_escapes_the_cell_border():
    assert r"| a\|b |" in typesetting.markdown(tables.detection(intervals(detectors=("a|b",))))


def test_csv_is_fixed_and_reads_back():
    table = tables.detection(intervals())
    text = tables.csv(table)
    assert text == tables.csv(tables.detection(intervals().sample(frac=1, random_state=0)))
    first = text.splitlines()[1].split(",")
    assert first[:2] == ["ig", "own"]
    assert re.fullmatch(r"0\.\d{6}", first[2])
    assert "nan" not in text.lower()
    assert "<NA>" not in text
    assert "\r" not in text
    mine = next(line for line in text.splitlines() if line.startswith("mine"))
    assert mine.split(",")[CONTRACT.index("paper_iou")] == ""


def test_text_from_a_table_read_back_from_csv(tmp_path, small):
    for name in ("detection", "per_class", "recordings", "baselines"):
        table = MADE[name](small)
        path = tmp_path / f"{name}.csv"
        path.write_text(tables.csv(table))
        assert typesetting.markdown(pd.read_csv(path)) == typesetting.markdown(table)


def test_labels_outside_the_ten_come_last_by_name():
    table = tables.per_class(intervals(labels=("Zebra", "Speech", "Ant", "Cat")))
    assert list(table["label"].unique()) == ["Cat", "Speech", "Ant", "Zebra"]


@pytest.mark.parametrize(("ceiling", "warned"), [((0.23, 0.2, 0.28), True), ((0.6, 0.5, 0.7), False)])
def test_a_protocol_that_hides_what_detectors_know_is_told(ceiling, warned):
    rows = [
        (protocol, detector, *values)
        for protocol, oracle in (("own", (0.9, 0.8, 1.0)), ("shared", ceiling))
        for detector, values in (("ig", (0.2, 0.1, 0.3)), ("random", (0.21, 0.18, 0.24)), ("oracle", oracle))
    ]
    table = pd.DataFrame(rows, columns=["protocol", "detector", "iou", "iou_low_wide", "iou_high_wide"])
    text = typesetting.hidden(table)
    expected = "Under shared random scores reach 0.21, and the oracle no more than 0.23: there the threshold hides"
    assert text.startswith(expected) if warned else text == ""
    assert typesetting.hidden(table[table["detector"] != "oracle"]) == ""
    assert typesetting.caption_of("detection", table=table).endswith(text or "(table of baselines).")
