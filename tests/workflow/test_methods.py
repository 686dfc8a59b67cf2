"""Every kind of detector, its controls and its variants, in one small experiment; jobs of few clips."""

import copy

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import load_file

from igsed import attribution, backbones, detectors, features, labels, scores, variants
from igsed.classifier import Classifier
from tests.workflow.project import Project

COUNTED = """
import pathlib
import torch
from igsed.attribution import frame_scores


def loudness(classifier, waveform, targets):
    with pathlib.Path("calls.txt").open("a") as file:
        file.write(f"{float(waveform.abs().sum())}\\n")
    return frame_scores(waveform.expand(len(targets), -1), classifier.sample_rate)
"""

EXPERIMENT = {
    "experiment": "methods",
    "labels": ["Alarm_bell_ringing", "Dog", "Frying"],
    "soundbank": {"recordings": {"train": 4, "eval": 2}, "backgrounds": {"train": 2, "eval": 1}},
    "mixtures": {"clips": {"train": 32, "validation": 3, "test": 5}, "events": [1, 2], "shard": 16},
    "training": {"seeds": [0], "levels": {"clips": 8}},
    "clips_per_job": 3,
    "detectors": [
        {"name": "ig_quiet", "method": "ig", "baseline": "quiet_second", "domain": "mel", "n_steps": 2},
        {"name": "ig_quiet_smooth", "of": "ig_quiet", "smooth": 0.5},
        {"name": "ig_quiet_contrast", "of": "ig_quiet", "contrast": True},
        {"name": "ig_background", "of": "ig_quiet", "baseline": "background", "n_steps": 1, "draws": 2},
        {"name": "gradient_random_head", "method": "gradient_input", "control": "random_head"},
        {"name": "mine", "method": "mine:loudness"},
        "cam",
        {"name": "cam_plain", "of": "cam", "levels": False},
        {"name": "cam_wrong_class", "of": "cam", "control": "wrong_class"},
        {"name": "cam_random_body", "of": "cam", "control": "random_body"},
        {"name": "occlusion", "window": 1.0, "hop": 1.0},
        {"name": "attention", "method": "fw_ws", "pooling": "attention"},
        "few_shot",
        {"name": "energy_smooth", "method": "energy", "smooth": 0.5},
        "oracle",
    ],
    "evaluation": {"bootstrap": 200, "shared_from": "ig_quiet"},
    "figures": {"examples": 1},
}


def changed(**sections) -> dict:
    settings = copy.deepcopy(EXPERIMENT)
    for name, values in sections.items():
        settings[name] = {**settings[name], **values}
    return settings


@pytest.fixture(scope="module")
def project(new_project) -> Project:
    made = new_project(EXPERIMENT)
    (made.folder / "mine.py").write_text(COUNTED)
    made.run()
    return made


@pytest.fixture(scope="module")
def classifier(project):
    network = backbones.load("yamnet", project.folder / "resources" / "yamnet" / "yamnet.safetensors")
    return Classifier.of(network, load_file(project.results / "models" / "clip" / "seed0.safetensors"))


def read(project: Project, detector: str, split: str = "test") -> scores.FrameScores:
    return scores.read(next((project.results / "scores" / detector).glob(f"seed0/{split}.parquet")))


def clips(project: Project, split: str = "test") -> pd.DataFrame:
    table = pd.read_csv(project.results / "mixtures" / split / "clips.csv")
    return table.assign(path=[str(project.folder / path) for path in table["path"]])


def calls(project: Project) -> int:
    return len((project.folder / "calls.txt").read_text().splitlines())


def test_every_detector_is_in_every_table(project):
    names = [entry if isinstance(entry, str) else entry["name"] for entry in EXPERIMENT["detectors"]]
    table = pd.read_csv(project.results / "tables" / "detection.csv")
    for protocol, rows in table.groupby("protocol"):
        assert rows["detector"].tolist() == names, protocol
    assert table["average_precision"].notna().all()
    assert table.loc[table["detector"] == "oracle", "average_precision"].eq(1).all()
    assert table.loc[table["detector"] == "oracle", "pointing_game"].eq(1).all()


def test_scores_are_those_of_the_method_alone(project, classifier):
    for name in ("ig_quiet", "occlusion"):
        entry = next(entry for entry in EXPERIMENT["detectors"] if isinstance(entry, dict) and entry["name"] == name)
        settings = {key: value for key, value in entry.items() if key not in ("name", "method")}
        method = detectors.load(entry.get("method", name), **settings)
        stored = read(project, name)
        for clip in clips(project).itertuples():
            rows = stored.pairs.index[stored.pairs["clip"] == clip.clip]
            targets = [EXPERIMENT["labels"].index(label) for label in stored.pairs["label"][rows]]
            if targets:
                waveform = features.waveform(clip.path, classifier.sample_rate)
                found = attribution.explain(method, classifier, waveform, targets).scores
                torch.testing.assert_close(found.double(), torch.from_numpy(stored.values[rows]), rtol=1e-3, atol=1e-6)


def test_the_class_activation_map_is_the_clip_head_on_frames(project, classifier):
    stored, clip = read(project, "cam"), clips(project).iloc[0]
    waveform = features.waveform(clip["path"], classifier.sample_rate)
    with torch.no_grad():
        logits = classifier.frames(waveform[None])[0].T.numpy()
    found = stored.values[(stored.pairs["clip"] == clip["clip"]).to_numpy()]
    assert found.shape == (3, 100)
    # 32 frames of .32 s, of which each value lies on a line between two
    np.testing.assert_allclose(found.max(1), logits.max(1), atol=0.2 * np.ptp(logits))
    assert np.corrcoef(found[:, 5::10].ravel(), logits[:, [1, 4, 8, 11, 14, 17, 20, 23, 26, 29]].ravel())[0, 1] > 0.95


def test_smoothed_and_contrasted_scores_are_made_of_the_detectors_own(project):
    plain = read(project, "ig_quiet")
    np.testing.assert_allclose(read(project, "ig_quiet_smooth").values, variants.smooth(plain.values, 0.5))
    for clip, rows in plain.pairs.groupby("clip"):
        found = read(project, "ig_quiet_contrast").values[rows.index]
        np.testing.assert_allclose(found, variants.contrast(plain.values[rows.index]), err_msg=clip)
    made = {path.name for path in (project.results / "attributions").iterdir()}
    assert {"ig_quiet", "ig_background"} <= made
    assert not {"ig_quiet_smooth", "ig_quiet_contrast"} & made


def test_controls_differ_from_what_they_control_and_the_wrong_class_is_one_that_is_not_there(project):
    plain, wrong = read(project, "cam"), read(project, "cam_wrong_class")
    predictions = pd.read_csv(project.results / "predictions" / "seed0" / "test.csv")
    there = predictions[(predictions["predicted"] == 1) | (predictions["present"] == 1)]
    assert len(wrong.pairs)
    for row, (clip, label) in enumerate(wrong.pairs.itertuples(index=False)):
        own = plain.pairs.index[plain.pairs["clip"] == clip]
        same = [plain.pairs["label"][k] for k in own if np.array_equal(plain.values[k], wrong.values[row])]
        assert len(same) == 1
        assert same[0] != label
        others = set(EXPERIMENT["labels"]) - set(there.loc[there["clip"] == clip, "label"])
        assert same[0] in (others or set(EXPERIMENT["labels"]))
    for control in ("cam_random_body", "cam_plain"):
        one, other = read(project, control), read(project, "cam")
        assert one.pairs.equals(other.pairs)
        assert not np.allclose(one.values, other.values)


def test_a_baseline_is_tabled_with_what_the_classifier_makes_of_it(project):
    table = pd.read_csv(project.results / "tables" / "baselines.csv").set_index("detector")
    assert {"ig_quiet", "ig_background"} <= set(table.index)
    assert "cam" not in table.index
    assert (table.loc["ig_quiet", ["norm", "baseline_norm", "logit"]] > 0).all()
    assert table.loc["ig_quiet", "completeness_error_worst"] < 1e-3
    detection = pd.read_csv(project.results / "tables" / "detection.csv").set_index("detector")
    assert detection["neutral"].to_dict() == {name: int(table["neutral"].get(name, 1)) for name in detection.index}


def test_attention_has_two_outputs_a_class_of_which_the_first_are_scores(project):
    head = load_file(project.results / "models" / "attention" / "seed0.safetensors")
    assert head["weight"].shape == (6, 1024)
    assert read(project, "attention").values.shape == (15, 100)


def test_jobs_of_three_clips_are_merged_in_order(project):
    folder = project.results / "attributions" / "mine" / "seed0" / "test"
    assert sorted(path.name for path in folder.glob("*.parquet")) == ["0.parquet", "1.parquet"]
    merged = read(project, "mine")
    parts = [scores.read(folder / f"{k}.parquet") for k in range(2)]
    assert merged.pairs.equals(pd.concat([part.pairs for part in parts], ignore_index=True))
    order = list(clips(project)["clip"])
    assert sorted(merged.pairs["clip"].unique(), key=order.index) == list(merged.pairs["clip"].unique())


def test_further_clips_cost_only_themselves_and_a_further_seed_only_itself(project):
    plan = project.plan(changed(training={"seeds": [0, 1]}))
    assert plan["attribute"] == 4 * 3  # of four methods, one job for validation and two for test
    assert "mask" not in plan
    before, folder = calls(project), project.results / "attributions" / "mine" / "seed0" / "test"
    old = [(folder / f"{k}.parquet").read_bytes() for k in range(2)]
    explained = read(project, "mine").pairs["clip"].nunique()
    more = changed(mixtures={"clips": {"train": 32, "validation": 3, "test": 8}})
    project.run("results/methods/scores/mine/seed0/test.parquet", settings=more)
    found = read(project, "mine").pairs["clip"].nunique()
    assert found > explained
    assert calls(project) - before == found - explained
    assert (folder / "0.parquet").read_bytes() == old[0]
    # Of sounds, weights or code that changed, nothing is taken over.
    project.edit("mine.py", "waveform.expand", "(2 * waveform).expand")
    project.run("results/methods/scores/mine/seed0/test.parquet", settings=more)
    assert calls(project) - before == 2 * found - explained


def test_oracle_scores_are_the_events(project):
    stored = read(project, "oracle")
    events = pd.read_csv(project.results / "mixtures" / "test" / "events.tsv", sep="\t")
    events = events.assign(clip=events["filename"].str.removesuffix(".flac"))
    known = labels.of_pairs(events[events["clip"].isin(stored.pairs["clip"])], stored.pairs, 100)
    assert known.any()
    np.testing.assert_array_equal(stored.values >= 1, known)
