"""Memory against the number of clips: the real rules on an experiment five times as large (`benchmarks/load.py`)."""

import re
from pathlib import Path

import pytest

from benchmarks import load

SIZES = (300, 1500)
DETECTORS = ["ig", "occlusion", "fw_ss"]
EMBEDDING = 256
FEATURES = load.COARSE * EMBEDDING * 4 / 1024
"""kB that a clip's cached features take on the disk."""
SCORES = len(load.LABELS) * load.FRAMES * 8 / 1024
"""kB that a clip's scores of all classes take in memory."""
MASKED = 34 * (EMBEDDING + load.FRAMES) * 4 / 1024
"""kB that a clip's masks and the embeddings of the masked clip take on the disk."""


@pytest.fixture(scope="module")
def growth(tmp_path_factory):
    """By stage, kB that the peak rises with each clip."""
    peaks = {}
    for clips in SIZES:
        project = tmp_path_factory.mktemp(f"load{clips}")
        load.make(project, clips, DETECTORS, seeds=1, embedding=EMBEDDING)
        targets = [f"results/load/evaluation/{name}/sweep.csv" for name in DETECTORS]
        targets.append("results/load/evaluation/fw_ss/test_intervals.csv")
        peaks[clips] = load.run(project, 2, *targets).groupby("stage")["peak_mb"].max()
    few, many = SIZES
    return (peaks[many] - peaks[few]) * 1024 / (many - few)


def test_features_are_read_a_piece_at_a_time(growth):
    assert growth["framewise"] < FEATURES / 3
    # Those of training and of validation.
    assert growth["train"] < 2 * FEATURES / 3


def test_of_a_detector_little_more_than_its_scores_is_in_memory(growth):
    assert growth["sweep"] < 4 * SCORES


def test_judging_grows_by_a_dozen_times_the_scores(growth):
    assert growth["evaluate"] < 16 * SCORES  # 90 kB a clip
    assert growth["conditions"] < SCORES


def test_what_jobs_left_is_put_together_a_job_at_a_time(growth):
    # The rows of what is known of each pair, ten to a clip; not their scores besides, which as rows of a table take
    # five times as much. Up to 21 kB were seen.
    assert growth["merge"] < 3 * SCORES
    assert growth["masked"] < MASKED / 3


def test_snakemake_itself_does_not_grow_with_clips(growth):
    assert growth["snakemake"] < SCORES


def test_every_process_is_measured(growth):
    assert set(growth.dropna().index) == {
        *("snakemake", "train", "classify", "framewise", "merge", "masked", "conditions", "sweep", "evaluate"),
    }


def test_every_rule_behind_attribution_is_measured():
    """A rule is either run by the benchmark, or comes before what the benchmark makes, or has no part in it."""
    before = {"fetch", "soundbank", "weights", "training_sounds", "given"}
    before |= {"mix", "mixtures", "features", "levels", "random_body", "attribute", "mask"}
    of_recordings = {"recordings", "table_recordings", "figure_recordings"}
    workflow = Path(__file__).parents[1] / "workflow"
    text = "\n".join(path.read_text(encoding="utf-8") for path in workflow.glob("rules/*.smk"))
    known = set(re.findall(r"^rule (\w+):", text, re.MULTILINE)) | {"all"}
    assert set(load.RULES) == known - before - of_recordings
