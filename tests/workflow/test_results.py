"""What a run makes: complete, consistent, the same every time."""

import copy
import hashlib
import json

import numpy as np
import pandas as pd

from igsed import conditions, events, scores, statistics, strata, timeline
from tests.workflow.project import MINIATURE, contents

LABELS = MINIATURE["labels"]
DETECTORS = ["ig", "fw_ws", "fw_ss", "random", "energy"]


def test_everything_promised_is_there(finished):
    results = finished.results
    for table in ("classification", "detection", "per_class", "baselines"):
        for suffix in ("csv", "md", "tex"):
            assert (results / "tables" / f"{table}.{suffix}").stat().st_size > 0
    for figure in ("headline", "pipeline", "examples", "thresholds", "strata"):
        assert (results / "figures" / f"{figure}.svg").read_text().startswith("<?xml")
        assert (results / "figures" / f"{figure}.png").read_bytes().startswith(b"\x89PNG")
    assert "detection.html" in (results / "report.html").read_text()
    assert "points right in" in (results / "index.html").read_text()


def test_detection_table_has_the_promised_columns(finished):
    table = pd.read_csv(finished.results / "tables" / "detection.csv")
    promised = (
        "detector,protocol,iou,iou_low,iou_high,iou_std,f1,f1_low,f1_high,pointing_game,pg_low,pg_high,"
        "paper_iou,paper_f1,paper_pointing_game"
    )
    assert list(table.columns)[:15] == promised.split(",")
    assert set(zip(table.detector, table.protocol, strict=True)) == {
        (d, p) for d in DETECTORS for p in ("own", "shared", "peak", "otsu")
    }
    rates = table[["iou", "f1", "pointing_game", "average_precision"]]
    assert ((rates >= 0) & (rates <= 1)).all(axis=None)
    assert (table.iou_low <= table.iou).all()
    assert (table.iou <= table.iou_high).all()


def test_metrics_are_tidy(finished):
    table = pd.read_csv(finished.results / "metrics.csv")
    assert list(table.columns) == ["detector", "seed", "split", "protocol", "label", "metric", "value", "n"]
    assert not table.duplicated(["detector", "seed", "split", "protocol", "label", "metric"]).any()
    assert set(table.detector) == set(DETECTORS)
    assert {"iou", "f1", "pointing_game", "average_precision", "segment_f1", "event_f1"} <= set(table.metric)
    assert set(table.label) <= {*LABELS, "all", "class_mean"}


def test_frame_scores_follow_the_contract(finished):
    clips = pd.read_csv(finished.results / "mixtures" / "test" / "clips.csv")
    for detector in DETECTORS:
        path = finished.results / "scores" / detector / "seed0" / "test.parquet"
        table = pd.read_parquet(path)
        assert list(table.columns) == ["clip", "label", "frame", "onset", "score"]
        assert np.allclose(table.onset, table.frame * timeline.FRAME)
        assert set(table["clip"]) <= set(clips["clip"])
        assert scores.read(path).values.shape[1] == 100


def test_splits_share_no_recording_and_test_draws_from_eval(finished):
    index = pd.read_csv(finished.results / "soundbank.csv")
    assert index.groupby("source")["split"].nunique().max() == 1
    assert index[index.split == "test"].path.str.contains("/audio/eval/").all()
    assert index[index.split != "test"].path.str.contains("/audio/train/").all()
    used = {}
    for split in ("train", "validation", "test"):
        pool = set(index[index.split == split].path)
        for jams in (finished.results / "mixtures" / split / "jams").glob("*.jams"):
            annotation = json.loads(jams.read_text())["annotations"][0]["data"]
            used.setdefault(split, set()).update(event["value"]["source_file"] for event in annotation)
        assert used[split] <= pool


def test_jams_and_tsv_tell_the_same(finished):
    table = events.read(finished.results / "mixtures" / "test" / "events.tsv", LABELS)
    for filename, rows in table.groupby("filename"):
        jams = json.loads((finished.results / "mixtures" / "test" / "jams" / f"{filename[:-5]}.jams").read_text())
        told = [
            (round(e["time"], 3), round(e["time"] + e["duration"], 3), e["value"]["label"])
            for e in jams["annotations"][0]["data"]
            if e["value"]["role"] == "foreground"
        ]
        assert sorted(told) == sorted(rows[["onset", "offset", "event_label"]].itertuples(index=False, name=None))


def test_every_pair_that_is_present_has_conditions(finished):
    folder = finished.results / "mixtures" / "test"
    told = conditions.read(folder / "conditions.csv")
    assert list(told.columns) == conditions.COLUMNS
    table = events.read(folder / "events.tsv").assign(clip=lambda table: table["filename"].str.removesuffix(".flac"))
    assert set(zip(told["clip"], told["label"], strict=True)) == set(
        zip(table["clip"], table["event_label"], strict=True)
    )
    assert told["snr"].between(15, 25).all()
    assert (told["events"] == told["clip"].map(table["clip"].value_counts())).all()
    index = pd.read_csv(finished.results / "soundbank.csv")
    heard = index[index["split"] == "test"]
    assert set(told["source"]) <= set(heard["source"])
    assert set(told["background"]) <= {path.rsplit("/", 1)[-1].removesuffix(".wav") for path in heard["path"]}
    assert (told["base"] == told["clip"]).all()


def test_strata_hold_every_pair_of_every_detector(finished):
    table = pd.read_csv(finished.results / "strata.csv")
    assert list(table.columns) == strata.COLUMNS
    for detector in DETECTORS:
        pairs = pd.read_parquet(finished.results / "evaluation" / detector / "test_pairs.parquet")
        own = pairs[pairs["protocol"] == "own"]
        here = table[(table["detector"] == detector) & (table["metric"] == "iou")]
        assert set(here["condition"]) == set(strata.CONDITIONS)
        assert (here.groupby("condition")[["pairs", "undefined"]].sum().sum(axis=1) == len(own)).all()
        weighted = (here["value"] * here["pairs"]).groupby(here["condition"]).sum() / len(own)
        assert np.allclose(weighted, own["iou"].mean())


def test_paired_test_clips_differ_in_their_conditions_only(finished):
    settings = copy.deepcopy(MINIATURE) | {"experiment": "paired"}
    settings["mixtures"] |= {"conditions": {"snr": [-15, 25], "events": [1, 3]}, "shard": 3}
    settings["mixtures"]["clips"] = {**MINIATURE["mixtures"]["clips"], "test": 8}
    results = finished.folder / "results" / "paired"
    finished.run(
        *(f"results/paired/mixtures/{file}" for file in ("test/conditions.csv", "validation/audio")), settings=settings
    )
    told = conditions.read(results / "mixtures" / "test" / "conditions.csv")
    assert told.groupby("clip")[["snr", "events"]].first().to_numpy().tolist() == [
        [-15, 1], [25, 1], [-15, 3], [25, 3]
    ] * 2  # fmt: skip
    assert told["base"].unique().tolist() == ["test_00000", "test_00004"]
    same = ["base", "label", "events", "active_ratio", "overlap", "background", "source"]
    quiet, loud = (told[told["snr"] == snr][same].reset_index(drop=True) for snr in (-15, 25))
    pd.testing.assert_frame_equal(quiet, loud)
    files = "mixtures/validation/audio/*"
    assert contents(results, files) == contents(finished.results, files)


def test_pairs_are_predicted_and_present(finished):
    predictions = pd.read_csv(finished.results / "predictions" / "seed0" / "test.csv")
    wanted = predictions[(predictions.predicted == 1) & (predictions.present == 1)]
    for detector in DETECTORS:
        pairs = pd.read_parquet(finished.results / "evaluation" / detector / "test_pairs.parquet")
        own = pairs[pairs.protocol == "own"]
        assert set(zip(own["clip"], own.label, strict=True)) == set(zip(wanted["clip"], wanted.label, strict=True))


def test_shared_protocol_uses_the_percentile_of_ig(finished):
    chosen = {
        detector: pd.read_parquet(finished.results / "evaluation" / detector / "test_pairs.parquet")
        .groupby("protocol")["percentile"]
        .unique()
        for detector in DETECTORS
    }
    for detector in DETECTORS:
        assert chosen[detector]["shared"].tolist() == chosen["ig"]["own"].tolist()


def test_random_detector_is_random(finished):
    """Random scores over every pair of the run: PG near the active ratio, IoU near the closed form."""
    pairs = pd.read_parquet(finished.results / "evaluation" / "random" / "test_pairs.parquet")
    own = pairs[pairs.protocol == "own"]
    kept = statistics.kept_frames(own.percentile.to_numpy(), 100) / 100
    expected = statistics.random_iou(own.active_ratio.to_numpy(), kept, 100)
    assert abs(own.iou.mean() - expected.mean()) < 4 * own.iou.std() / np.sqrt(len(own)) + 0.02
    spread = np.sqrt((own.active_ratio * (1 - own.active_ratio)).sum()) / len(own)
    assert abs(own.pointing_game.mean() - own.active_ratio.mean()) < 4 * spread


def test_completeness_is_reported_for_every_attribution(finished):
    folder = finished.results / "scores" / "ig" / "seed0"
    table = pd.read_csv(folder / "test_completeness.csv")
    pairs = scores.read(folder / "test.parquet").pairs
    assert list(zip(table["clip"], table.label, strict=True)) == list(zip(pairs["clip"], pairs.label, strict=True))
    gap = (table.total - (table.logit - table.baseline_logit)).abs() / (table.logit - table.baseline_logit).abs()
    assert np.allclose(table.completeness_error, gap, rtol=1e-3, atol=1e-6)
    assert (table.completeness_error < 1e-3).all()
    assert (table.n_steps == 4).all()
    assert (table.error > 0).all()
    assert set(zip(table.device, table.precision, strict=True)) <= {("cpu", "float32"), ("cuda", "float32")}


def test_manifest_says_where_everything_came_from(finished):
    manifest = json.loads((finished.results / "manifest.json").read_text())
    for path, digest in manifest["outputs"].items():
        assert hashlib.sha256((finished.folder / path).read_bytes()).hexdigest() == digest
    assert {"tables/detection.csv", "metrics.csv", "figures/examples.svg", "index.html"} <= {
        path.split("/", 2)[2] for path in manifest["outputs"]
    }
    assert manifest["config"]["seed"] == 20260522
    assert manifest["seeds"]["training"] == [0]
    assert set(manifest["cost"]) >= {"mix", "features", "train", "attribute", "evaluate", "metrics"}
    assert all(cost["seconds"] > 0 for cost in manifest["cost"].values())
    assert manifest["versions"]["torch"]


def test_two_runs_from_scratch_agree_to_the_byte_however_clips_are_sharded(finished, new_project):
    settings = copy.deepcopy(MINIATURE)
    settings["mixtures"]["shard"] = 7
    other = new_project(settings)
    other.run()
    patterns = (
        "tables/*",
        "metrics.csv",
        "intervals.csv",
        "differences.csv",
        "pairwise.csv",
        "mixtures/*/audio/*",
        "mixtures/*/events.tsv",
    )
    assert contents(finished.results, *patterns) == contents(other.results, *patterns)
    pictures = ("figures/*.svg", "figures/*.png")
    assert contents(finished.results, *pictures) == contents(other.results, *pictures)


def test_sounds_beside_the_page_are_removed_when_they_go_into_it_again(finished):
    page, sounds = finished.results / "index.html", finished.results / "index_files"
    before = page.read_bytes()
    finished.run(settings=MINIATURE | {"page": {"audio": "link"}})
    assert len(list(sounds.iterdir())) > 1
    finished.run()
    assert page.read_bytes() == before
    assert not sounds.exists()
    assert finished.plan() == {}
