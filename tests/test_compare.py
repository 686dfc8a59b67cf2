"""Experiments beside each other: numbers, ranks, agreement, and everything that is refused."""

import csv
import itertools
import json
import re
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from igsed import compare, config, evaluation, metrics, statistics
from igsed.__main__ import main
from igsed.checksums import file_digest
from igsed.compare import answer, figure, page, places, plain_text, rows, sections, writing
from igsed.compare.folders import BASELINES
from igsed.errors import InputError
from igsed.jobs import integrity, provenance
from igsed.metrics import METRICS
from igsed.report.styles import STYLE, styles

ROOT = Path(__file__).parents[1]
CLASSES = ["Cat", "Dog"]
QUALITY = {"ig": 0.3, "cam": 0.5, "fw_ss": 0.8, "random": 0.1, "oracle": 1.0}
EVENTS = ("segment_f1", "event_error_rate")
BASE = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))


def settings_of(name, detectors, **changed):
    """A whole configuration, as a manifest states it."""
    stated = config.load(BASE | {"experiment": name, "detectors": list(detectors)}).model_dump(mode="json")
    for key, value in changed.items():
        *above, last = key.split("__")
        place = stated
        for step in above:
            place = place[step]
        place[last] = value
    return stated


def make(
    folder, quality=QUALITY, splits=("test",), protocols=("own", "shared"), entries=None, versions=None, **changed
):
    """The results of a made-up experiment, by the project's own functions; `quality` is near the detectors' values."""
    folder.mkdir(parents=True)
    name = folder.name
    stated = settings_of(name, entries or quality, **changed)
    if "recordings" in splits:
        stated["recordings"] = {"kind": "folder", "path": "somewhere"}
    rng, seeds = np.random.default_rng(len(quality)), stated["training"]["seeds"]
    names = metrics.of_pairs()
    clips = {split: [f"{split}_{k}" for k in range(4)] for split in splits}
    rows = list(itertools.product(quality, seeds, splits, protocols, range(4), CLASSES))
    pairs = pd.DataFrame(rows, columns=["detector", "seed", "split", "protocol", "clip", "label"])
    pairs["clip"] = pairs["split"] + "_" + pairs["clip"].astype(str)
    means = pairs["detector"].map(quality).to_numpy()
    for metric in names:
        pairs[metric] = np.clip(means + rng.uniform(-0.02, 0.02, len(pairs)), 0, 1)
    pairs = pairs.assign(active_ratio=0.5, percentile=50.0)
    rows = list(itertools.product(quality, seeds, splits, protocols, [*CLASSES, "class_mean", "all"], EVENTS))
    detections = pd.DataFrame(rows, columns=["detector", "seed", "split", "protocol", "label", "metric"])
    detections = detections.assign(value=detections["detector"].map(quality), n=7)
    evaluation.tidy(pairs, detections).to_csv(folder / "metrics.csv", index=False)
    rows = [
        statistics.bootstrap(table, labels=CLASSES, clips=clips[split], replicates=100).assign(
            detector=detector, split=split, protocol=protocol
        )
        for (detector, split, protocol), table in pairs.groupby(["detector", "split", "protocol"], sort=False)
    ]
    # As of an experiment that knows no source recordings and so no wider interval.
    columns = [name for name in evaluation.INTERVALS if not name.endswith(("sources", "wide"))]
    pd.concat(rows)[columns].to_csv(folder / "intervals.csv", index=False)
    manifest = {
        "experiment": name,
        "config": stated,
        "git_commit": "0" * 40,
        "versions": provenance.versions(["igsed", "numpy"]) | (versions or {}),
        "device": "cpu",
        "seeds": {"root": 0, "training": seeds},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return seal(folder)


def seal(folder):
    """Let the manifest state what the files are now."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["config_digest"] = provenance.value_digest(manifest["config"])
    files = [name for name in ("metrics.csv", "intervals.csv", BASELINES) if (folder / name).exists()]
    manifest["outputs"] = {f"results/{manifest['experiment']}/{name}": file_digest(folder / name) for name in files}
    path.write_text(json.dumps(manifest))
    return folder


def with_baselines(folder, neutral):
    """Let the results have a table of baselines: detector → 1, or 0 where its baseline is not neutral."""
    (folder / BASELINES).parent.mkdir(exist_ok=True)
    table = pd.DataFrame({"detector": list(neutral), "logit": 1.0, "neutral": list(neutral.values())})
    table.to_csv(folder / BASELINES, index=False)
    return seal(folder)


def edit(folder, name, change):
    """Change a table, cells as text, or the manifest, and seal the folder."""
    path = folder / name
    if name == "manifest.json":
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))
    else:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        change(table).to_csv(path, index=False)
    return seal(folder)


def cell(column, value, row=0):
    def change(table):
        table.loc[row, column] = value
        return table

    return change


@pytest.fixture
def two(tmp_path):
    """A bank, and one on which CAM and FW-SS change places."""
    other = QUALITY | {"cam": 0.7, "fw_ss": 0.6}
    return [make(tmp_path / "results" / "a"), make(tmp_path / "results" / "b", other)]


def of(found, metric="average_precision", label="all"):
    chosen = found.table[(found.table["metric"] == metric) & (found.table["label"] == label)]
    return chosen.set_index(["detector", "bank"])


def test_values_are_those_of_the_files_and_ranks_are_counted_by_hand(two):
    found = compare.compare(two)
    assert [bank.name for bank in found.banks] == ["a", "b"]
    assert [metric.name for metric in found.metrics][:2] == ["average_precision", "pointing_game"]
    table = of(found)
    for folder in two:
        written = pd.read_csv(folder / "intervals.csv", float_precision="round_trip").query(
            "metric == 'average_precision' and label == 'all' and split == 'test' and protocol == 'own'"
        )
        for row in written.itertuples():
            ours = table.loc[row.detector, folder.name]
            assert (ours["value"], ours["low"], ours["high"], ours["pairs"]) == (
                row.value,
                row.low,
                row.high,
                row.pairs,
            )
    ranks = table["rank"].unstack()
    assert ranks["a"].drop("oracle").to_dict() == {"fw_ss": 1, "cam": 2, "ig": 3, "random": 4}
    assert ranks["b"].drop("oracle").to_dict() == {"fw_ss": 2, "cam": 1, "ig": 3, "random": 4}
    assert ranks.loc["oracle"].isna().all()
    assert table.loc[("fw_ss", "a"), "mean_rank"] == 1.5
    assert (table["banks"] == 2).all()


def test_agreement_leaves_the_oracle_out(two):
    row = compare.compare(two).agreement.iloc[0]
    assert (row["bank"], row["other"], row["detectors"], row["reason"]) == ("a", "b", 4, "")
    assert row["spearman"] == pytest.approx(1 - 6 * 2 / (4 * 15))  # two neighbours of four change places
    assert row["kendall"] == pytest.approx((5 - 1) / 6)


def test_the_order_of_the_folders_changes_neither_values_nor_ranks(tmp_path, two):
    folders = [*two, make(tmp_path / "results" / "c", {"ig": 0.6, "cam": 0.2, "random": 0.4})]
    keys = ["metric", "label", "detector", "bank"]

    def sorted_by(folders):
        return compare.compare(folders).table.sort_values(keys, ignore_index=True)

    expected = sorted_by(folders)
    for order in itertools.permutations(folders):
        pd.testing.assert_frame_equal(sorted_by(order), expected)


numbers = st.integers(0, 8).map(lambda value: value / 8)


def table_of(values, best=True):
    """A table of one metric from bank → values of detectors, None where a detector is absent."""
    rows = [
        ("iou", "all", f"d{k}", bank, np.nan if value is None else value, True)
        for bank, given in values.items()
        for k, value in enumerate(given)
    ]
    return pd.DataFrame(rows, columns=["metric", "label", "detector", "bank", "value", "rankable"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(numbers | st.none(), numbers | st.none()), min_size=1, max_size=9))
def test_agreement_is_scipys_and_undefined_with_a_reason(pairs):
    (row,) = compare.agreement(table_of({"a": [x for x, _ in pairs], "b": [y for _, y in pairs]})).to_dict("records")
    both = [(x, y) for x, y in pairs if x is not None and y is not None]
    assert row["detectors"] == len(both)
    if len(both) < 3:
        assert row["reason"] == "fewer than 3 detectors"
    elif min(len(set(values)) for values in zip(*both, strict=True)) == 1:
        assert "the same value in" in row["reason"]
    else:
        assert row["reason"] == ""
        assert row["spearman"] == pytest.approx(stats.spearmanr(*zip(*both, strict=True)).statistic)
        assert row["kendall"] == pytest.approx(brute_force_tau(both))
        return
    assert np.isnan([row["spearman"], row["kendall"]]).all()


def brute_force_tau(pairs):
    """Tau-b by its definition."""
    signs = [(np.sign(a - c), np.sign(b - d)) for (a, b), (c, d) in itertools.combinations(pairs, 2)]
    x, y = np.array(signs).T
    return (x * y).sum() / np.sqrt((x != 0).sum() * (y != 0).sum())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(numbers | st.none(), numbers | st.none()), min_size=1, max_size=9), st.booleans())
def test_ranks_are_counted(pairs, best):
    """A rank is 1 + how many are better + half of how many others are equal."""
    metric = METRICS.find("segment_f1" if best else "segment_error_rate")
    table = table_of({"a": [x for x, _ in pairs], "b": [y for _, y in pairs]}).assign(metric=metric.name)
    found = compare.ranked(table, {metric.name: metric}).set_index(["detector", "bank"])["rank"].unstack()
    values = table.set_index(["detector", "bank"])["value"].unstack().dropna(axis="columns", how="all").dropna()
    for detector, bank in itertools.product(found.index, found.columns):
        if detector not in values.index or bank not in values:
            assert np.isnan(found.loc[detector, bank])
            continue
        own = values.loc[detector, bank]
        better = (values[bank] > own).sum() if best else (values[bank] < own).sum()
        assert found.loc[detector, bank] == 1 + better + ((values[bank] == own).sum() - 1) / 2


def test_only_common_detectors_are_ranked(tmp_path, two):
    fewer = make(tmp_path / "results" / "c", {"ig": 0.2, "random": 0.1, "oracle": 1.0})
    found = compare.compare([*two, fewer])
    ranks = of(found)["rank"].dropna().unstack()
    assert sorted(ranks.index) == ["ig", "random"]
    assert "cam is not in c, so it is not ranked." in found.differences
    by_banks = found.agreement.query("metric == 'average_precision' and label == 'all'").set_index(["bank", "other"])
    assert by_banks["detectors"].to_dict() == {("a", "b"): 4, ("a", "c"): 2, ("b", "c"): 2}
    assert by_banks.loc[("a", "c"), "reason"] == "fewer than 3 detectors"
    assert "Without a value in every bank, and not ranked: cam, fw_ss." in compare.text(found)


def test_one_folder_is_a_table_without_agreement(two):
    found = compare.compare(two[:1])
    assert len(found.agreement) == 0
    assert found.differences == []
    assert "fw_ss leads on the only bank, a" in compare.text(found)
    assert of(found)["rank"].max() == 4


def test_recordings_are_a_bank_of_their_own(tmp_path, two):
    real = make(tmp_path / "results" / "c", splits=("test", "recordings", "recordings_unseen"))
    found = compare.compare([two[0], real])
    assert [bank.name for bank in found.banks] == ["a", "c", "c (recordings)"]
    assert len(found.agreement.query("metric == 'average_precision' and label == 'all'")) == 3
    assert set(found.table["split"]) == {"test", "recordings"}


def test_metrics_of_masks_and_events_are_compared_by_protocol(two):
    found = compare.compare(two, ["iou", "segment_f1", "event_error_rate"], "shared")
    assert set(found.table["protocol"]) == {"shared"}
    events = of(found, "event_error_rate")
    assert events.loc[("random", "a"), "rank"] == 1  # low values are good
    assert events["low"].isna().all()
    assert (events["seeds"] == 3).all()
    assert of(found, "iou").loc[("fw_ss", "a"), "rank"] == 1
    assert "Low values are good." in compare.text(found)


def test_a_metric_that_some_banks_lack_is_compared_on_the_others(two):
    for name in ("metrics.csv", "intervals.csv"):
        edit(two[1], name, lambda table: table[table["metric"] != "pointing_game"])
    found = compare.compare(two)
    table = of(found, "pointing_game")
    assert set(table.index.get_level_values("bank")) == {"a"}
    assert (table["banks"] == 1).all()
    assert "Without results of this metric, and left out of ranks: b." in plain_text.markdown(found)
    for name, folder in itertools.product(("metrics.csv", "intervals.csv"), two):
        edit(folder, name, lambda table: table[table["metric"] != "class_correlation"])
    with pytest.raises(InputError, match=r"--metrics class_correlation: no experiment has it"):
        compare.compare(two, ["class_correlation"])


def test_a_bank_without_any_pair_counts_for_nothing(two):
    def emptied(table):
        table.loc[table["metric"] == "pointing_game", ["value", "low", "high", "std"]] = ""
        table.loc[table["metric"] == "pointing_game", ["pairs", "clips", "seeds"]] = "0"
        return table

    edit(two[1], "intervals.csv", emptied)
    table = of(compare.compare(two), "pointing_game")
    assert table.loc[("fw_ss", "a"), "rank"] == 1
    assert table.xs("b", level="bank")["rank"].isna().all()
    assert (table["banks"] == 1).all()


def test_the_wider_interval_is_shown_where_there_is_one(two):
    def widened(table):
        has = table["detector"] != "cam"
        return table.assign(low_wide=np.where(has, "0.0", ""), high_wide=np.where(has, "1.0", ""))

    edit(two[0], "intervals.csv", widened)
    found = compare.compare(two)
    table = of(found)
    assert table.loc[("ig", "a"), ["low", "high", "interval"]].tolist() == [0, 1, "wide"]
    assert table.loc[("cam", "a"), "interval"] == table.loc[("ig", "b"), "interval"] == "clips"
    assert "The intervals are of different kinds" in compare.text(found)


def test_names_that_are_the_same_are_numbered_by_their_folders(tmp_path):
    second = make(tmp_path / "z" / "results" / "same", QUALITY | {"ig": 0.35})
    first = make(tmp_path / "y" / "results" / "same")
    for given_folders in ([first, second], [second, first]):
        found = compare.compare(given_folders)
        places = {one.name: one.folder for one in found.experiments}
        assert places == {"same (1)": first, "same (2)": second}
    assert "same (2) and same (1) have the same settings: they repeat one experiment, on one bank." in found.differences


@pytest.mark.parametrize("how", ["path", "link", "copy", "run_again"])
def test_an_experiment_given_twice_is_refused(tmp_path, two, how):
    again = tmp_path / "again"
    if how == "path":
        again = two[0] / ".." / "a"
    elif how == "link":
        again.symlink_to(two[0])
    else:
        again.mkdir()
        for file in two[0].iterdir():
            (again / file.name).write_bytes(file.read_bytes())
        if how == "run_again":
            edit(again, "manifest.json", lambda manifest: manifest.update(cost={"mix": 1}))
    with pytest.raises(InputError, match=r"is the same experiment as .*Give each experiment once"):
        compare.compare([two[0], again])


@pytest.mark.parametrize(("audio", "alike"), [("1" * 64, True), ("2" * 64, False), (None, False)])
def test_two_experiments_on_the_same_clips_are_no_two_banks(two, audio, alike):
    for folder, digest in zip(two, ("1" * 64, audio), strict=True):

        def stated(manifest, digest=digest):
            place = f"results/{manifest['experiment']}/mixtures/test"
            found = {f"{place}/audio": digest, f"{place}/events.tsv": "3" * 64}
            manifest["inputs"] = {name: value for name, value in found.items() if value}

        edit(folder, "manifest.json", stated)
    compared = compare.compare(two)
    sentence = "a and b have the same test clips: they are one bank"
    assert any(sentence in one for one in answer.sentences(compared, rows.shown(compared))) == alike
    assert any(sentence in one for one in sections.caveats(compared)) == alike


def test_those_that_a_bank_lacks_stand_below_the_ranked_by_their_value(tmp_path):
    lonely = {"saliency": 0.3, "lrp": 0.95}
    compared = compare.compare([make(tmp_path / "a", QUALITY | lonely), make(tmp_path / "b")])
    methods = [row.name for row in rows.shown(compared) if not (row.control or row.truth)]
    assert methods[-2:] == ["lrp", "saliency"]
    (first, *_) = sections.sections(compared)
    assert [row.detector for row in first.rows if row.detector in lonely] == ["lrp", "saliency"]


def told(tmp_path, **changed):
    """The differences between an experiment and one with other settings."""
    return compare.compare([make(tmp_path / "a"), make(tmp_path / "b", **changed)]).differences


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"versions": {"torch": "9"}}, "The version of torch differs: not stated in a; 9 in b."),
        ({"seed": 5}, "The experiment's seed differs: 20260522 in a; 5 in b."),
        ({"training__seeds": [3, 4, 5]}, "The setting training.seeds differs: [0, 1, 2] in a; [3, 4, 5] in b."),
        ({"training__seeds": [0]}, "The number of training seeds differs: 3 in a; 1 in b."),
        ({"backbone__name": "cnn14"}, "The setting backbone.name differs: yamnet in a; cnn14 in b."),
        ({"mixtures__snr": [0, 5]}, "The setting mixtures.snr differs: [15.0, 25.0] in a; [0, 5] in b."),
        ({"mixtures__duration": 5}, "The setting mixtures.duration differs: 10 in a; 5 in b."),
        (
            {"evaluation__pairs": "present"},
            "The setting evaluation.pairs differs: predicted_present in a; present in b.",
        ),
        ({"evaluation__select": "f1"}, "The setting evaluation.select differs: iou in a; f1 in b."),
        ({"evaluation__bootstrap": 100}, "The setting evaluation.bootstrap differs: 2000 in a; 100 in b."),
        ({"evaluation__confidence": 0.9}, "The setting evaluation.confidence differs: 0.95 in a; 0.9 in b."),
        (
            {"evaluation__metrics": ["iou", "f1", "mine"]},
            "b: mine.",
        ),
        ({"training__levels": {"all": True}}, 'The setting training.levels differs: null in a; {"all": true} in b.'),
        ({"future": {"key": 1}}, 'The setting future differs: not stated in a; {"key": 1} in b.'),
    ],
)
def test_a_difference_in_settings_is_told(tmp_path, changed, sentence):
    assert any(difference.endswith(sentence) for difference in told(tmp_path, **changed)), told


def test_the_banks_themselves_and_what_changes_no_number_are_no_difference(tmp_path):
    changed = {"soundbank": {"kind": "folder"}, "mixtures__shard": 3, "figures__examples": 1}
    assert told(tmp_path, **changed, versions={"matplotlib": "1"}) == []


def test_other_classes_are_told(tmp_path):
    other = make(tmp_path / "b")
    for name in ("metrics.csv", "intervals.csv"):
        edit(other, name, lambda table: table.replace({"label": {"Dog": "Speech"}}))
    found = compare.compare([make(tmp_path / "a"), other]).differences
    assert "The classes differ. 1 are the same in all; the others are, in a: Dog; b: Speech." in found


def test_a_name_with_other_settings_is_another_row(tmp_path):
    entries = [{"name": "ig", "n_steps": 4}, *list(QUALITY)[1:]]
    found = compare.compare(
        [make(tmp_path / "a"), make(tmp_path / "b", entries=entries), make(tmp_path / "c", QUALITY | {"ig": 0.4})]
    )
    rows = set(found.table["detector"])
    assert {"ig (a, c)", "ig (b)"} <= rows
    assert "ig" not in rows
    assert any(
        sentence.startswith("ig stands for different settings") and "n_steps: 16 in a, c; 4 in b" in sentence
        for sentence in found.differences
    )
    assert of(found).loc[("ig (b)", "b"), "value"] > 0
    assert np.isnan(of(found).loc[("ig (b)", "b"), "rank"])


def test_a_setting_that_an_older_igsed_did_not_have_is_its_default(tmp_path):
    def older(manifest):
        (ig,) = (chosen for chosen in manifest["config"]["detectors"] if chosen["name"] == "ig")
        del ig["tolerance"]

    two = [make(tmp_path / "a"), edit(make(tmp_path / "b", QUALITY | {"ig": 0.4}), "manifest.json", older)]
    assert "ig" in set(compare.compare(two).table["detector"])


def test_scores_from_elsewhere_are_one_detector_wherever_they_lay(tmp_path):
    quality = QUALITY | {"theirs": 0.6}
    one, other = (
        make(tmp_path / name, quality, entries=[*QUALITY, {"name": "theirs", "method": "scores", "path": f"/{name}"}])
        for name in ("a", "b")
    )
    edit(other, "intervals.csv", lambda table: table.assign(std="0"))
    found = compare.compare([one, other])
    assert "theirs" in set(found.table["detector"])
    assert "theirs is made of files of scores; that one system made them all is not known here." in found.differences


def test_nothing_that_a_folder_names_is_imported(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "evil_of_stranger.py").write_text("raise SystemExit('imported')")

    def named(manifest):
        manifest["config"]["detectors"][0]["method"] = "evil_of_stranger:run"
        manifest["config"]["evaluation"]["metrics"].append("evil_of_stranger:metric")

    compare.compare([edit(make(tmp_path / "a"), "manifest.json", named)])
    assert "evil_of_stranger" not in sys.modules


def manifest_without(key):
    def change(manifest):
        del manifest[key]

    return change


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("intervals.csv", cell("value", "1.5"), r"line 2, column value: 1.5 lies outside the range of iou, 0 to 1"),
        ("intervals.csv", cell("low", "-0.1"), r"line 2, column low: -0.1 lies outside the range"),
        ("intervals.csv", cell("value", ""), r"line 2, column value: is empty, though pairs entered it"),
        ("intervals.csv", cell("high", "nan", 3), r"line 5, column low: .*is a number and high none"),
        ("intervals.csv", cell("pairs", "0"), r"line 2, column value: .*though no pair entered it"),
        ("intervals.csv", cell("value", "much"), r"line 2, column value: is no number"),
        ("intervals.csv", cell("value", "inf"), r"line 2, column value: is no number"),
        ("intervals.csv", cell("pairs", "1.5"), r"line 2, column pairs: 1.5 is no whole number"),
        ("intervals.csv", cell("pairs", ""), r"line 2, column pairs: is no whole number"),
        ("intervals.csv", cell("seeds", "4"), r"line 2, column seeds: 4 are more than the 3"),
        ("intervals.csv", cell("low", "0.99"), r"line 2, column low: 0.99 is above high"),
        ("intervals.csv", cell("label", ""), r"line 2, column label: is empty"),
        ("intervals.csv", cell("detector", "<b>"), r"line 2, column detector: <b> is no name"),
        ("intervals.csv", lambda table: table.drop(columns="high"), r"line 1: there is no column high"),
        ("intervals.csv", lambda table: pd.concat([table, table[2:3]]), r"line \d+: repeats line 4 \(ig, test, own,"),
        ("intervals.csv", lambda table: table[:0], r"holds no rows"),
        ("intervals.csv", lambda table: table[table["detector"] != "cam"], r"its detectors are not .*lacks cam"),
        ("intervals.csv", lambda table: table[table["protocol"] != "own"], r"protocols are not .*: it has own"),
        ("intervals.csv", lambda table: table.assign(split="train"), r"splits are not"),
        ("metrics.csv", lambda table: table[table["seed"] != "2"], r"its seeds are not those of .*: it lacks 2"),
        ("metrics.csv", lambda table: table.assign(seed="7"), r"(repeats line|its seeds are not)"),
        ("metrics.csv", cell("value", "2", 1), r"line 3, column value: 2.0 lies outside"),
        ("metrics.csv", cell("value", "", 1), r"line 3, column value: is empty, though n is not 0"),
        ("metrics.csv", lambda table: table[table["detector"] != "ig"], r"its detectors are not .*lacks ig"),
        ("manifest.json", manifest_without("versions"), r"manifest.json: versions: is not an object"),
        ("manifest.json", manifest_without("config"), r"manifest.json: config"),
        ("manifest.json", lambda m: m["config"].update(detectors=[]), r"config.detectors: is not a list"),
        ("manifest.json", lambda m: m["config"]["detectors"].append({"name": "A b"}), r"config.detectors: is not"),
        ("manifest.json", lambda m: m["config"]["training"].update(seeds="x"), r"config.training.seeds: is not"),
        ("manifest.json", lambda m: m.update(seeds={}), r"seeds.training: differs"),
        ("manifest.json", lambda m: m.update(experiment="../b"), r"experiment: is not the name"),
        ("manifest.json", lambda m: m.update(experiment="c"), r"config.experiment: is not c"),
    ],
)  # fmt: skip
def test_contents_that_cannot_be_are_named(tmp_path, capsys, name, change, message):
    folder = make(tmp_path / "a")
    if name == "manifest.json":
        manifest = json.loads((folder / name).read_text())
        change(manifest)
        if "config" in manifest:
            manifest["config_digest"] = provenance.value_digest(manifest["config"])
        (folder / name).write_text(json.dumps(manifest))
    else:
        edit(folder, name, change)
    with pytest.raises(InputError, match=message) as refused:
        compare.compare([folder])
    assert str(folder) in str(refused.value)
    assert "leave it out" in str(refused.value)
    assert main(["compare", str(folder), "--out", str(tmp_path / "out")]) == 1
    assert not (tmp_path / "out").exists()
    assert "ERROR" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe", r"line 1: is not text in UTF-8"),
        (b"", r"holds no rows"),
        (b'a,b\n"', r"line 2: is no CSV"),
        (b"detector,detector\n", r"holds no rows"),
        (b"a,b\n1\n", r"line 1: there is no column detector"),
    ],
)
def test_a_table_that_is_none_is_named(tmp_path, content, message):
    folder = make(tmp_path / "a")
    (folder / "intervals.csv").write_bytes(content)
    with pytest.raises(InputError, match=message):
        compare.compare([seal(folder)])


def test_rows_and_columns_that_do_not_fit_are_named(tmp_path):
    folder = make(tmp_path / "a")
    lines = (folder / "metrics.csv").read_text().splitlines()
    (folder / "metrics.csv").write_text("\n".join([lines[0], lines[1] + ",1", *lines[2:]]))
    with pytest.raises(InputError, match=r"metrics.csv: line 2: has 9 cells, not 8"):
        compare.compare([seal(folder)])
    (folder / "metrics.csv").write_text("\n".join(f"{line},{line.rpartition(',')[2]}" for line in lines))
    with pytest.raises(InputError, match=r"metrics.csv: line 1: the column n stands there twice"):
        compare.compare([seal(folder)])


@pytest.mark.parametrize("content", ["", "{", "[" * 100_000, '"text"', "[]"])
def test_a_manifest_that_is_none_is_named(tmp_path, content):
    folder = make(tmp_path / "a")
    (folder / "manifest.json").write_text(content)
    with pytest.raises(InputError, match=r"manifest.json: is (no JSON|not an object)"):
        compare.compare([folder])


def test_damage_is_found_by_the_digests(tmp_path, two):
    for name in ("metrics.csv", "intervals.csv"):
        folder = make(tmp_path / name)
        with open(folder / name, "a") as file:
            file.write("\n")
        with pytest.raises(InputError, match=rf"{name}: is not the file that manifest.json states: its sha256 is"):
            compare.compare([two[0], folder])
    record = integrity.record_of(two[0] / "manifest.json")
    record.write_text(integrity.describe(two[0] / "manifest.json", "manifest.json"))
    compare.compare(two)
    manifest = json.loads((two[0] / "manifest.json").read_text())
    (two[0] / "manifest.json").write_text(json.dumps(manifest | {"device": "cuda"}))
    with pytest.raises(InputError, match=r"manifest.json: is not as the job that made it left it"):
        compare.compare(two)
    manifest["config"]["seed"] = 1
    (two[1] / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=r"config: the settings do not have the digest"):
        compare.compare(two[1:])


def test_all_folders_problems_are_told_at_once(tmp_path, two):
    (two[0] / "metrics.csv").unlink()
    with pytest.raises(InputError) as refused:
        compare.compare([*two, tmp_path / "absent"])
    assert len(refused.value.messages) == 2
    assert "metrics.csv: there is no such file" in refused.value.messages[0]
    assert "absent: no such folder" in refused.value.messages[1]


def test_protocols_that_not_all_have_are_refused(tmp_path, two):
    other = make(tmp_path / "results" / "c", protocols=("own_present",))
    with pytest.raises(InputError, match=r"no protocol in common \(a: own, shared; c: own_present\)"):
        compare.compare([two[0], other])
    with pytest.raises(InputError, match=r"--protocol own_present: not all experiments have it"):
        compare.compare([two[0], other], protocol="own_present")
    with pytest.raises(InputError, match="unknown"):
        compare.compare(two, ["no_such"])


class Tags(HTMLParser):
    """The elements of a page and its text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.told = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.told += data


def data_of(html):
    return json.loads(re.search(r'id="numbers">(.*?)</script>', html, re.DOTALL)[1])


def test_the_page_is_whole_and_loads_nothing(two):
    found = compare.compare(two)
    html = page.html(found)
    read = Tags(html)
    names = [tag for tag, _ in read.tags]
    assert not {"img", "iframe", "base", "object", "embed"} & set(names)
    assert names.count("script") == 2
    assert not any("src" in attributes for _, attributes in read.tags)
    ids = [attributes["id"] for _, attributes in read.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {attributes["href"][1:] for _, attributes in read.tags if attributes.get("href", "").startswith("#")} <= {
        *ids
    }
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1]
    assert policy.startswith("default-src 'none'")
    assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]
    board = re.search(r'<table id="board">.*?</table>', html, re.DOTALL)[0]
    for value in of(found)["value"]:
        assert f"{value:.3f}" in board
    assert re.findall(r"rank 1 \[1, \d\]", board)
    assert page.html(found) == html


def test_the_pages_numbers_are_those_of_the_files(two):
    numbers = data_of(page.html(compare.compare(two)))
    assert numbers["protocols"] == ["own", "shared"]
    assert {"average_precision", "pointing_game", "iou", "f1"} <= set(numbers["metrics"])
    names = [detector["name"] for detector in numbers["detectors"]]
    assert [names.index("random"), names.index("oracle")] == [3, 4]  # controls, then what knows the truth
    for bank, folder in enumerate(two):
        written = pd.read_csv(folder / "intervals.csv").query("split == 'test'")
        for row in written[written["metric"].isin(["iou", "average_precision"])].itertuples():
            cell = numbers["values"][row.protocol][row.label][row.metric][bank][names.index(row.detector)]
            assert cell[:3] == [round(value, 6) for value in (row.value, row.low, row.high)]
    ranks = compare.compare(two, protocol="shared").table.query("metric == 'average_precision' and label == 'all'")
    for row in ranks.itertuples():
        cell = numbers["values"]["shared"]["all"]["average_precision"]["ab".index(row.bank)][names.index(row.detector)]
        assert cell[3] == (None if np.isnan(row.rank) else row.rank)


def test_the_answer_says_who_leads_and_who_changes_places(two):
    found = compare.compare(two)
    said = answer.sentences(found, rows.shown(found))
    assert said[0] == (
        "By average precision, none of the 3 detectors that all banks have leads everywhere: FW-SS leads on a; "
        "CAM leads on b."
    )
    assert said[1].startswith("The banks agree well on the order of 4 detectors, controls among them: Spearman 0.80")
    assert said[2] == (
        "1 of the 6 pairs of detectors on all banks changes places; beyond the intervals does only FW-SS and CAM."
    )
    alone = compare.compare(two[:1])
    said = answer.sentences(alone, rows.shown(alone))
    assert len(said) == 1
    assert re.fullmatch(r"By average precision, FW-SS leads on a \(0\.\d\d\), of 3 detectors\.", said[0])


def test_many_banks_are_counted_and_not_listed(tmp_path):
    folders = [make(tmp_path / f"bank{k}", QUALITY | {"cam": 0.7 + 0.001 * k, "fw_ss": 0.6}) for k in range(5)]
    folders.append(make(tmp_path / "other"))
    found = compare.compare(folders)
    (leaders, *_) = answer.sentences(found, rows.shown(found))
    assert "CAM leads on 5 of 6 banks" in leaders
    assert "leads on other" in leaders
    assert "<summary>All 15 pairs of banks</summary>" in page.html(found)
    assert "pairs of banks</summary>" not in page.html(compare.compare(folders[:3]))


def test_what_is_made_from_events_alone_is_not_said_to_have_no_value(tmp_path, monkeypatch):
    monkeypatch.setitem(BASE, "evaluation", BASE.get("evaluation", {}) | {"shared_from": "oracle"})
    found = compare.compare([make(tmp_path / "a", {"oracle": 1.0})])
    assert compare.text(found).startswith("# 1 detector on 1 bank\n")
    for told in (compare.text(found), *answer.sentences(found, rows.shown(found))):
        assert "that is not made from the events" in told


def test_one_that_leads_everywhere_is_said_to(tmp_path):
    found = compare.compare([make(tmp_path / "a"), make(tmp_path / "b", QUALITY | {"ig": 0.1, "random": 0.3})])
    said = answer.sentences(found, rows.shown(found))
    assert re.match(r"By average precision, FW-SS leads on both banks \(.*\), of 3 detectors that all", said[0])
    assert "None" not in said[2]


spans = st.tuples(numbers, numbers, numbers).map(sorted)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(spans, spans), min_size=1, max_size=6), st.booleans())
def test_places_are_counted(pairs, best):
    """Against the definitions, word by word."""
    records = [
        ("m", "all", f"d{k}", bank, *(span[n] for n in (1, 0, 2)), 1.0)
        for k, both in enumerate(pairs)
        for bank, span in zip("ab", both, strict=True)
    ]
    table = pd.DataFrame(records, columns=["metric", "label", "detector", "bank", "value", "low", "high", "rank"])
    found = places.with_intervals(table, {"m": best})

    def above(one, other):
        """Whether a whole interval is better than another."""
        return one["low"] > other["high"] if best else one["high"] < other["low"]

    for _, bank in found.groupby("bank"):
        for row in bank.to_dict("records"):
            others = bank.to_dict("records")
            assert row["rank_low"] == 1 + sum(above(other, row) for other in others)
            assert row["rank_high"] == sum(not above(row, other) for other in others)
    changed, certain = 0, set()
    for one, other in itertools.combinations(sorted(set(table["detector"])), 2):
        a, b = (table[table["detector"] == name].set_index("bank").to_dict("index") for name in (one, other))
        signs = {np.sign(a[bank]["value"] - b[bank]["value"]) for bank in "ab"}
        changed += {1, -1} <= signs
        if any(above(a[x], b[x]) and above(b[y], a[y]) for x, y in ("ab", "ba")):
            certain.add(frozenset((one, other)))
    counted = places.changes(table, best)
    assert (counted.pairs, counted.changed) == (len(pairs) * (len(pairs) - 1) // 2, changed)
    assert {frozenset(pair) for pair in counted.certain} == certain


def test_the_figure_has_a_dot_for_each_value_in_colours_that_are_seen(two):
    from igsed.report.colours import ENOUGH, contrast

    html = page.html(compare.compare([*two, make(two[0].parent / "c", {"ig": 0.2, "cam": 0.1, "oracle": 1.0})]))
    for kind, dots in {"wide": 3 + 3 + 2, "narrow": 8}.items():
        svg = re.search(rf'<svg class="drawing {kind}".*?</svg>', html, re.DOTALL)[0]
        # Of four detectors on two banks, and of two on the third; random has a diamond, which is a path as CAM's is.
        assert svg.count("<circle") + svg.count("<path") == dots + 2
        assert svg.count("stroke-dasharray") == 3 + 2  # the oracle on each bank, random where it is
        drawn = set(re.findall(r'(?:fill|stroke)="(#[0-9a-fA-F]{6})"', svg)) - {"#ffffff", "#e0e0e0", "#bbbbbb"}
        assert {"#0072B2", "#882255"} <= drawn
        assert min(map(contrast, drawn)) >= ENOUGH
        sizes = [float(size) for size in re.findall(r'font-size="([\d.]+)"', svg)]
        assert min(sizes) >= 11


def drawings_of(html):
    return {
        kind: ElementTree.fromstring(re.search(rf'<svg class="drawing {kind}".*?</svg>', html, re.DOTALL)[0])
        for kind in ("wide", "narrow")
    }


def test_ones_own_detectors_look_as_in_the_figures_of_their_experiments(tmp_path):
    def own(name):
        return {"name": name, "method": "ig", "n_steps": 4}

    one = make(tmp_path / "a", {"ig": 0.3, "mine": 0.6, "other": 0.5}, entries=["ig", own("mine"), own("other")])
    two = make(
        tmp_path / "b",
        {"ig": 0.3, "mine": 0.7, "my_method": 0.4},
        entries=["ig", own("mine"), own("my_method")],
        figures__detectors=["ig", "my_method"],
    )
    alone = compare.compare([two])
    for found, names in ((alone, ["mine", "my_method"]), (compare.compare([one, two]), ["mine", "other"])):
        look = {row.name: row.style for row in rows.shown(found)}
        experiment = found.experiments[0]
        expected = styles(experiment.detectors, experiment.drawn)
        assert {name: look[name] for name in names} == {name: expected[name] for name in names}
        assert len({style[::2] for style in look.values()}) == len(look)
        svg = drawings_of(page.html(found))["wide"]
        drawn = {(shape.get("fill"), shape.get("d")) for shape in svg.iter("path")}
        assert {(style.colour, figure.MARKERS[style.marker]) for name, style in look.items() if name != "ig"} <= drawn
    assert (
        styles(["ig", "mine", "my_method"], ["ig", "my_method"])["my_method"] == styles(["mine"])["mine"]
    )  # they collide


def test_every_marker_of_a_style_has_an_outline():
    markers = {style.marker for style in styles([*STYLE, *(f"d{i}" for i in range(140))]).values()}
    assert markers - {"o"} == set(figure.MARKERS)


@given(st.text(alphabet="ab_ (é", max_size=60), st.integers(1, 300), st.integers(8, 20))
def test_a_name_is_broken_and_never_cut(text, width, letters):
    lines = figure.broken(text, width, letters)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(len(line) <= max(1, width / (0.5 * letters)) for line in lines)


def test_long_names_stand_in_the_figure_as_they_are(tmp_path):
    long = "integrated_gradients_from_the_quietest_second_random_head"
    entries = ["ig", "cam", {"name": long, "method": "ig", "n_steps": 4}]
    home = tmp_path / ("a_very_long_name_of_an_experiment_" * 2 + "x" * 32)
    html = page.html(compare.compare([make(home, {"ig": 0.3, "cam": 0.4, long: 0.5}, entries=entries)]))
    for svg in drawings_of(html).values():
        texts = ["".join(text.itertext()) for text in svg.iter("text")]
        assert {long, home.name} <= set(texts)
        assert "…" not in "".join(texts)


def test_a_baseline_that_is_not_neutral_is_marked_where_it_is(two, tmp_path):
    with_baselines(two[0], {"ig": 0})
    with_baselines(two[1], {"ig": 1})
    found = compare.compare(two)
    table = of(found)
    assert table["neutral"].to_dict() == {key: float(key != ("ig", "a")) for key in table.index}
    note = "†: in that experiment the baseline of the detector is not neutral"
    for told in (compare.text(found), plain_text.markdown(found)):
        assert note in told
        row = re.search(r"\| ig .*", told)[0]
        assert re.fullmatch(r"\| ig +\| \S+ † \[.*?\] \(3\) \| [^†]*\|.*", row)
        assert "not known" not in told
    html = page.html(found)
    board = re.search(r'<table id="board">.*?</table>', html, re.DOTALL)[0]
    assert [cell.count("†") for cell in re.search(r">IG<.*?</tr>", board, re.DOTALL)[0].split("<td")] == [0, 1, 0, 0]
    assert board.count("†") == 1
    assert note in html
    names = [detector["name"] for detector in data_of(html)["detectors"]]
    assert data_of(html)["foreign"] == [[names.index("ig")], []]
    for svg in drawings_of(html).values():
        assert [text.text for text in svg.iter("text") if "†" in text.text] == ["3 †"]
    written = pd.read_csv(compare.write(found, tmp_path / "out")[0])
    assert set(written.loc[written["neutral"] == 0, ["detector", "bank"]].itertuples(index=False, name=None)) == {
        ("ig", "a")
    }


def test_without_a_table_of_baselines_nothing_is_marked_and_that_is_said(two):
    with_baselines(two[0], {})
    found = compare.compare(two)
    assert found.table["neutral"].groupby(found.table["bank"]).agg(lambda x: x.isna().all()).to_dict() == {
        "a": False,
        "b": True,
    }
    note = f"Whether baselines are neutral is not known of b (there is no {BASELINES})."
    for told in (compare.text(found), page.html(found)):
        assert note in told
        assert "†: " not in told
    (two[0] / BASELINES).unlink()  # the manifest states it, but it was not copied
    assert [one.foreign for one in compare.compare(two).experiments] == [None, None]


@pytest.mark.parametrize(
    ("neutral", "message"),
    [
        ({"ig": 2}, r"line 2, column neutral: 2 is neither 0 nor 1"),
        ({"nobody": 0}, r"line 2, column detector: nobody is no detector that manifest.json states"),
        ({"ig": ""}, r"line 2, column neutral: is no whole number"),
    ],
)
def test_baselines_that_cannot_be_are_named(two, neutral, message):
    with_baselines(two[0], neutral)
    with pytest.raises(InputError, match=rf"{re.escape(str(two[0]))}/tables/baselines.csv: {message}"):
        compare.compare(two)
    with_baselines(two[0], {"ig": 0})
    with open(two[0] / BASELINES, "a") as file:
        file.write("cam,1,0\n")
    with pytest.raises(InputError, match=r"tables/baselines.csv: is not the file that manifest.json states"):
        compare.compare(two)


def test_why_there_is_no_agreement_has_a_column_only_where_it_says_something(tmp_path, two):
    head = "Why there is none"
    found = compare.compare(two)
    assert head not in page.html(found) + plain_text.markdown(found)
    found = compare.compare([two[0], make(tmp_path / "c", {"ig": 0.2, "random": 0.1})])
    for told in (page.html(found), plain_text.markdown(found)):
        assert head in told
        assert "fewer than 3 detectors" in told


def test_the_best_of_the_methods_stands_out_and_one_bank_has_no_mean_rank(tmp_path):
    found = compare.compare([make(tmp_path / "a", {"ig": 0.3, "cam": 0.5, "random": 0.9, "oracle": 1.0})])
    board = re.search(r'<table id="board">.*?</table>', page.html(found), re.DOTALL)[0]
    assert "Mean rank" not in board
    assert [row.count(" best") for row in board.split("<tr")[2:]] == [1, 0, 0, 0]
    assert ">CAM<" in board.split("<tr")[2]


def test_a_number_has_a_true_minus():
    assert [sections.number(value, 2) for value in (-0.25, 0.25, np.nan)] == ["−0.25", "0.25", "–"]


def test_pages_of_experiments_are_linked_where_they_are_and_near(two, tmp_path):
    (two[0] / "index.html").write_text("page")
    compare.write(compare.compare(two), two[0].parent / "compare")
    read = Tags((two[0].parent / "compare" / "compare.html").read_text())
    links = [attributes["href"] for tag, attributes in read.tags if tag == "a"]
    assert "../a/index.html" in links
    assert "../a/index.html#clips" in links
    assert not any("/b/" in link for link in links)
    compare.write(compare.compare(two), tmp_path / "some" / "where" / "else" / "far")
    read = Tags((tmp_path / "some" / "where" / "else" / "far" / "compare.html").read_text())
    assert not any("index.html" in attributes.get("href", "") for _, attributes in read.tags)


def test_an_address_is_quoted(tmp_path):
    folder = make(tmp_path / "50% #x?" / "a")
    (folder / "index.html").write_text("page")
    (one,) = compare.read([folder])
    assert page.page_of(one, folder.parent / "compare") == "../a/index.html"
    assert page.page_of(one, tmp_path / "compare") == "../50%25%20%23x%3F/a/index.html"
    assert page.page_of(one, None) == ""


def test_differences_are_told_by_subject(tmp_path):
    found = compare.compare(
        [make(tmp_path / "a"), make(tmp_path / "b", protocols=("own",), versions={"torch": "9"}, training__seeds=[0])]
    )
    html = page.html(found)
    section = html[html.index('id="differences"') : html.index('id="provenance"')]
    assert re.findall(r"<h3>(.*?)</h3>", section) == ["Versions and code", "Seeds", "Protocols", "Settings"]
    assert "The protocols differ. 1 are the same in all; the others are, in a: shared; b: none." in section
    assert found.differences == [
        line for told in compare.differences.by_subject(found.experiments).values() for line in told
    ]


def test_the_templates_are_packed():
    packed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["package-data"]
    home = ROOT / "igsed"
    covered = {path for pattern in packed["igsed"] for path in home.glob(pattern)}
    assert {path for path in home.rglob("*") if path.suffix in (".html", ".css", ".js")} <= covered


def test_hostile_names_are_escaped(tmp_path):
    home = tmp_path / "<script>alert(1)</script>|`*_[x](y)\x1b[31m"
    hostile = "</script><img src=x onerror=alert(1)>"
    folder = make(home / "a", versions={"numpy": "<img src=x onerror=alert(1)>\x1b[2J\n# head"})
    for each in (folder, other := make(tmp_path / "b")):
        for name in ("metrics.csv", "intervals.csv"):
            edit(each, name, lambda table: table.replace({"label": {"Dog": hostile}, "protocol": {"own": hostile}}))
    (folder / "index.html").write_text("page")
    found = compare.compare([folder, other])
    html = page.html(found, tmp_path)
    read = Tags(html)
    assert [tag for tag, _ in read.tags].count("script") == 2
    assert "img" not in {tag for tag, _ in read.tags}
    assert not any(name.startswith("on") for _, attributes in read.tags for name in attributes)
    assert "<img src=x" in read.told
    assert hostile in data_of(html)["labels"]
    assert hostile in data_of(html)["protocols"]
    for version in (html, plain_text.markdown(found), compare.text(found)):
        assert "\x1b" not in version
        assert "\n# head" not in version
    assert "<script" not in plain_text.markdown(found).replace("\\<script", "")
    assert "\\|\\`\\*" in plain_text.markdown(found)


def test_what_is_written_is_what_was_compared(two, tmp_path):
    found = compare.compare(two)
    written = compare.write(found, tmp_path / "new" / "out")
    assert sorted(path.name for path in (tmp_path / "new" / "out").iterdir()) == sorted(compare.FILES)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["out"]
    table = pd.read_csv(written[0], float_precision="round_trip")
    for column in ("value", "low", "high", "rank", "mean_rank"):
        np.testing.assert_array_equal(table[column], found.table[column])
    with open(written[0], newline="") as file:
        assert "nan" not in {cell for row in csv.reader(file) for cell in row}
    assert len(pd.read_csv(written[1])) == len(found.agreement)


def test_only_an_earlier_comparison_is_replaced(two, tmp_path):
    out = tmp_path / "out"
    first = [path.read_bytes() for path in compare.write(compare.compare(two), out)]
    assert [path.read_bytes() for path in compare.write(compare.compare(two), out)] == first
    compare.write(compare.compare(two[:1]), out)
    (tmp_path / "link").symlink_to(out)
    compare.write(compare.compare(two), tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert [(out / name).read_bytes() for name in compare.FILES] == first
    (out / "mine.txt").write_text("mine")
    for taken in (out, two[0], two[0] / "metrics.csv"):
        with pytest.raises(InputError, match=r"Name another folder \(--out\)"):
            compare.write(compare.compare(two), taken)
    other = tmp_path / "other"
    other.mkdir()
    (other / "compare.csv").write_text("mine")
    with pytest.raises(InputError, match=r"holds compare.csv, which igsed compare did not write"):
        compare.write(compare.compare(two), other)
    (tmp_path / "empty").mkdir()
    compare.write(compare.compare(two), tmp_path / "empty")


def test_what_fails_leaves_the_earlier_comparison(two, tmp_path, monkeypatch):
    out = tmp_path / "out"
    compare.write(compare.compare(two[:1]), out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    places = sorted(tmp_path.iterdir())
    real = writing.os.replace

    def full(source, target):
        if Path(source).name == "made":
            raise OSError(28, "No space left on device", str(target))
        real(source, target)

    monkeypatch.setattr(writing.os, "replace", full)
    with pytest.raises(InputError, match="No space left"):
        compare.write(compare.compare(two), out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert sorted(tmp_path.iterdir()) == places


def test_the_command(two, tmp_path):
    """By the real command line: the answer comes first, then the tables and where they lie."""
    command = [sys.executable, "-m", "igsed", "compare", *map(str, two), "--metrics", "iou"]
    done = subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "# 5 detectors on 2 banks"
    expected = "fw_ss leads on 1 of 2 banks (a), cam on 1 of 2 banks (b). Agreement of the two banks on 4 detectors"
    assert re.search(re.escape(expected), lines[2])
    assert lines[-4:] == [f"results/compare/{name}" for name in compare.FILES]
    assert all((tmp_path / line).is_file() for line in lines[-4:])
    wrong = subprocess.run(
        [*command[:4], "nowhere"], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert wrong.stderr.startswith("ERROR: nowhere: no such folder.")
