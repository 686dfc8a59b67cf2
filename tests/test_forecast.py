"""Forecasts: counting with fixed unit costs, Snakemake's plans, one small real measurement."""

import copy
import math
import re

import pytest
import torch
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from igsed import config as configuration
from igsed import forecast as forecasts
from igsed import shards, unit_costs
from igsed.__main__ import main
from igsed.errors import InputError
from igsed.fetch import table as sources_table
from igsed.forecast import Cost, Inputs, Job, Source
from tests.toys import recording
from tests.workflow.project import MINIATURE, ROOT, Project

DEFAULT = yaml.safe_load((ROOT / "config.yaml").read_text())
STAGES = ("light", "torch", "make_soundbank", "soundbank", "mix", "recordings", "baseline", "framewise", "sweep")
STAGES += ("evaluate", "figure", "merge", "page")
COSTS = {
    **{name: Cost(job=1.0, unit=1e-3, memory=2e8) for name in STAGES},
    **{f"train/{model}": Cost(job=5.0, unit=1e-4, memory=2e8) for model in ("clip", "fw_ws", "fw_ss")},
    "metrics": Cost(job=1.0, unit=1e-7, memory=2e8),
    "features": Cost(job=5.0, unit=0.1, disk=1e5, memory=5e8, gpu=math.nan, gpu_memory=math.nan),
    "mask": Cost(job=5.0, unit=0.1, disk=4e3, memory=5e8, gpu=math.nan, gpu_memory=math.nan),
    "attribute/ig": Cost(job=5.0, unit=6.0, disk=1e3, memory=8e8, gpu=math.nan, gpu_memory=math.nan),
    **{
        f"attribute/{name}": Cost(job=5.0, unit=1.0, disk=1e3, memory=8e8, gpu=math.nan, gpu_memory=math.nan)
        for name in ("ig_captum", "ig_quiet", "ig_quiet_random_head", "gradient_input")
    },
}
INPUTS = Inputs(recordings=190)


def config(**sections):
    values = copy.deepcopy(DEFAULT)
    for name, value in sections.items():
        values[name] = {**values.get(name, {}), **value} if isinstance(value, dict) else value
    return configuration.load(values)


def shards_of(experiment, name, clips, gpu=False):
    """The wildcard `shard` of the jobs that explain, or mask, some clips for a detector."""
    return map(str, range(shards.number(experiment.clips_of_job(name, gpu), clips)))


def plan(experiment, inputs=INPUTS, gpu=False):
    """Some stages of the workflow."""
    drawn, shard = experiment.mixtures.clips.model_dump(), experiment.mixtures.shard
    judged = ["test", *(["recordings"] if experiment.recordings else [])]
    kept = experiment.mixtures.keep.model_dump() if experiment.mixtures.keep else drawn
    scored = {split: min(drawn[split], kept[split]) for split in ("validation", "test")}
    scored |= dict.fromkeys(judged[1:], inputs.real_clips)
    methods, masked = experiment.detectors_of("classifier"), experiment.detectors_of("masks")
    sources = dict.fromkeys(map(experiment.source_of, methods))
    masks = dict.fromkeys(map(experiment.masks_of, masked))
    yield from (Job(source.stage, {"source": source.name}, 0) for source in inputs.sources)
    for split, clips in drawn.items():
        yield from (Job("mix", {"split": split, "shard": str(k)}, 2) for k in range(math.ceil(clips / shard)))
    for split in [*drawn, *judged[1:]]:
        yield Job("features", {"split": split}, 4)
    for seed in map(str, experiment.training.seeds):
        yield from (Job("train", {"model": model, "seed": seed}, 5) for model in experiment.models)
        for split, clips in scored.items():
            for name in sources:
                keys = {"source": name, "seed": seed, "split": split}
                yield from (Job("attribute", keys | {"shard": k}, 7) for k in shards_of(experiment, name, clips, gpu))
            yield from (Job("merge", {"detector": name, "seed": seed, "split": split}, 8) for name in methods)
            yield from (Job("masked", {"detector": name, "seed": seed, "split": split}, 8) for name in masked)
    for split, clips in scored.items():
        for name in masks:
            keys = {"masks": name, "split": split}
            yield from (Job("mask", keys | {"shard": k}, 5) for k in shards_of(experiment, name, clips, gpu))
    yield from (Job("sweep", {"detector": name}, 9) for name in experiment.detector_names)
    yield from (
        Job("evaluate", {"detector": name, "split": split}, 10)
        for name in experiment.detector_names
        for split in judged
    )
    yield from (Job("metrics", {}, 11), Job("tables", {}, 12), Job("figure_per_class", {}, 13))


def table(inputs=INPUTS, costs=COSTS, **sections):
    chosen, gpu = config(**sections), any(cost.gpu > 0 for cost in costs.values())
    return forecasts.forecast(plan(chosen, inputs, gpu), chosen, costs, inputs)


ON_GPU = {
    name: cost._replace(gpu=cost.unit, gpu_memory=1e9) if math.isnan(cost.gpu) else cost for name, cost in COSTS.items()
}


clips = st.fixed_dictionaries({split: st.integers(1, 500) for split in ("train", "validation", "test")})


@settings(max_examples=15, deadline=None)
@given(clips, clips, st.integers(1, 4))
def test_more_clips_and_seeds_never_cost_less(few, more, seeds):
    less = table(mixtures={"clips": few}, training={"seeds": [0]})
    greater = table(
        mixtures={"clips": {split: few[split] + more[split] for split in few}}, training={"seeds": list(range(seeds))}
    )
    columns = ["jobs", "download", "disk", "cpu", "longest", "memory"]
    assert (greater[columns] >= less[columns]).all(axis=None)
    assert forecasts.wall(greater, 2) >= forecasts.wall(less, 2)


@settings(max_examples=15, deadline=None)
@given(clips, st.integers(1, 5), st.integers(1, 64))
def test_stages_are_sums_of_their_jobs_and_the_clock_lies_between_the_bounds(counts, seeds, cores):
    chosen = config(mixtures={"clips": counts}, training={"seeds": list(range(seeds))})
    jobs = list(plan(chosen))
    found = forecasts.forecast(jobs, chosen, COSTS, INPUTS)
    alone = [forecasts.forecast([job], chosen, COSTS, INPUTS).iloc[0] for job in jobs]
    assert math.isclose(found["cpu"].sum(), sum(row["cpu"] for row in alone))
    assert found["jobs"].sum() == len(jobs)
    assert math.isclose(forecasts.wall(found, 1), found["cpu"].sum())
    assert max(found["cpu"].sum() / cores, found["longest"].max()) <= forecasts.wall(found, cores) * (1 + 1e-9)
    assert forecasts.wall(found, cores + 1) <= forecasts.wall(found, cores)


def test_a_second_method_costs_what_it_costs_alone():
    one, other, both = (
        table(detectors=names, evaluation={"shared_from": names[0]}, clips_per_job=16).loc["attribute"]
        for names in (["ig"], ["ig_captum"], ["ig", "ig_captum"])
    )
    assert math.isclose(both["cpu"], one["cpu"] + other["cpu"])
    # Of three seeds 20 clips, in jobs of 16 and 4, and 60, in jobs of 16, 16, 16 and 12.
    assert (both["jobs"], one["jobs"], other["jobs"]) == (36, 18, 18)


def test_an_experiment_by_hand():
    clips = {"train": 200, "validation": 10, "test": 24}
    found = table(mixtures={"clips": clips}, detectors=["ig", "fw_ss", "occlusion"], clips_per_job=10)
    assert found.loc["mix", "jobs"] == 4 + 1 + 1
    assert math.isclose(found.loc["features", "disk"], 234 * 1e5)
    pairs = forecasts.classes_per_clip(config())
    assert found.loc["attribute", "jobs"] == 3 * (1 + 3)
    assert math.isclose(found.loc["attribute", "cpu"], 3 * (4 * 5 + 6 * 34 * pairs))
    assert math.isclose(found.loc["attribute", "longest"], 5 + 6 * 10 * pairs)
    assert math.isclose(found.loc["merge", "cpu"], 3 * (2 + 1e-3 * 34 * pairs))
    # 100 frames are 34 windows of three; embeddings serve all seeds.
    assert math.isclose(found.loc["mask", "cpu"], 4 * 5 + 0.1 * 34 * 34)
    assert math.isclose(found.loc["mask", "disk"], 4e3 * 34 * 34)
    assert math.isclose(found.loc["masked", "cpu"], 3 * (2 + 1e-3 * 34))
    assert math.isnan(found.loc["attribute", "gpu"])
    assert found.loc["mix", "gpu"] == 0
    assert math.isclose(found.loc["train", "memory"], 2e8 + 210 * 1e5)


def amount(rule, experiment, inputs=INPUTS, gpu=False, **wildcards):
    """Units of one job, for which a unit takes a second and everything else nothing."""
    ones = {name: Cost(unit=1.0, gpu=float(gpu)) for name in COSTS}
    ones |= {f"train/{model}": Cost(unit=1.0) for model in experiment.models}
    return forecasts.forecast([Job(rule, wildcards, 0)], experiment, ones, inputs).loc[rule, "cpu"]


def test_a_job_explains_the_clips_of_its_shard():
    clips_of = {"train": 1, "validation": 10, "test": 24}
    chosen = config(mixtures={"clips": clips_of}, clips_per_job=10, detectors=["ig"])
    pairs = forecasts.classes_per_clip(chosen)

    def clips(split, shard, experiment=chosen, **more):
        return amount("attribute", experiment, source="ig", seed="0", split=split, shard=shard, **more) / pairs

    assert [round(clips("test", k), 6) for k in "0123"] == [10, 10, 4, 0]
    assert round(clips("validation", "0"), 6) == 10
    kept = {"on_overlap": "remove", "keep": {"train": 1, "validation": 1, "test": 13}}
    few = config(mixtures={"clips": clips_of, **kept}, clips_per_job=10, detectors=["ig"])
    assert [round(clips("test", k, few), 6) for k in "012"] == [10, 3, 0]
    # Left to the workflow, a job on a GPU has more clips.
    auto = config(mixtures={"clips": clips_of | {"test": 400}}, detectors=["ig"])
    size = auto.clips_of_job("ig")
    assert size < 200 < 400 < auto.clips_of_job("ig", gpu=True)
    assert round(clips("test", "1", auto), 6) == size
    assert round(clips("test", "0", auto, gpu=True), 6) == 400


def test_all_windows_of_real_recordings_are_explained():
    """However many more there are than was known when the jobs were planned."""
    chosen = config(recordings={"kind": "desed_public_eval"}, clips_per_job=10, detectors=["ig"])
    pairs, inputs = forecasts.classes_per_clip(chosen), INPUTS._replace(real_clips=25)
    keys = {"source": "ig", "seed": "0", "split": "recordings"}
    counts = [amount("attribute", chosen, inputs, shard=k, **keys) / pairs for k in "0123"]
    assert [round(count, 6) for count in counts] == [10, 10, 5, 0]


def test_a_job_masks_the_clips_of_its_shard_once_for_each_mask():
    masks = [{"name": "rise", "masks": 30}, {"name": "occlusion", "window": 0.5, "hop": 0.5}, "ig"]
    chosen = config(mixtures={"clips": {"train": 1, "validation": 1, "test": 24}}, clips_per_job=10, detectors=masks)
    assert [amount("mask", chosen, masks="rise", split="test", shard=k) for k in "012"] == [300, 300, 120]
    assert amount("mask", chosen, masks="occlusion", split="test", shard="2") == 4 * 20


def test_a_head_learns_from_clips_at_other_levels_too_unless_it_is_told_not_to():
    clips = {"clips": {"train": 40, "validation": 10, "test": 5}}
    detectors = ["ig", "cam", "fw_ws", "few_shot", {"name": "plain", "of": "ig", "levels": False}]
    detectors += [{"name": "fw_plain", "of": "fw_ws", "levels": False}, "random"]
    training = {"levels": {"clips": 70, "range": [-40, 10]}, "max_epochs": 3}
    chosen = config(mixtures=clips, training=training, detectors=detectors)
    assert amount("levels", chosen) == 70
    steps = {model: amount("train", chosen, model=model, seed="0") for model in chosen.models}
    with_levels, without, few = 3 * (40 + 10 + 70), 3 * (40 + 10), 3 * 10
    assert steps == {
        **{
            "clip": with_levels,
            "clip_other_levels": without,
            "fw_ws": with_levels,
            "fw_plain": without,
            "few_shot": few,
        }
    }
    plain = config(mixtures=clips, training={"max_epochs": 3}, detectors=["ig", "fw_ws", "few_shot"])
    assert {model: amount("train", plain, model=model, seed="0") for model in plain.models} == {
        **{"clip": without, "fw_ws": without, "few_shot": few}
    }


def test_only_heads_that_see_frames_map_them_into_memory():
    detectors = ["ig", "fw_ws", "few_shot", {"name": "plain", "of": "ig", "levels": False}]
    clips = {"clips": {"train": 40, "validation": 10, "test": 5}}
    chosen = config(mixtures=clips, training={"levels": {"clips": 70}}, detectors=detectors)
    costs = COSTS | {f"train/{model}": Cost(memory=1.0) for model in chosen.models}

    def mapped(model):
        job = Job("train", {"model": model, "seed": "0"}, 0)
        return (forecasts.forecast([job], chosen, costs, INPUTS).loc["train", "memory"] - 1) / costs["features"].disk

    assert {model: round(mapped(model)) for model in chosen.models} == {
        **{"clip": 0, "clip_other_levels": 0, "fw_ws": 120, "few_shot": 10}
    }


def test_clips_above_those_to_keep_are_mixed_but_not_used():
    drawn = {"clips": {"train": 100, "validation": 20, "test": 20}, "on_overlap": "remove"}
    kept = table(mixtures={**drawn, "keep": {"train": 50, "validation": 10, "test": 10}})
    assert kept.loc["mix", "cpu"] == table(mixtures=drawn).loc["mix", "cpu"]
    assert math.isclose(kept.loc["features", "disk"], 70 * 1e5)


def test_real_recordings_are_scored_too(tmp_path):
    recording(tmp_path / "audio" / "a.wav", seconds=25.0, rate=8000)
    recording(tmp_path / "audio" / "b.wav", seconds=3.0, rate=8000)
    recording(tmp_path / "audio" / "c.wav", seconds=10.01, rate=8000)
    chosen = config(recordings={"kind": "folder", "audio": str(tmp_path / "audio"), "annotations": "events.tsv"})
    inputs = forecasts.inputs_of(chosen, tmp_path)
    assert inputs.real_clips == 3 + 1 + 1
    found = forecasts.forecast(plan(chosen), chosen, COSTS, inputs)
    assert math.isclose(found.loc["features", "disk"], (sum(chosen.mixtures.clips.model_dump().values()) + 5) * 1e5)
    assert math.isclose(found.loc["mask", "disk"], (20 + 60 + 5) * 34 * 4e3)
    (job,) = forecasts.forecast([Job("recordings", {}, 1)], chosen, COSTS, inputs).itertuples()
    assert math.isclose(job.cpu, 1 + 5e-3)


def test_expected_classes_per_clip():
    def expected(events, labels):
        return forecasts.classes_per_clip(config(mixtures={"events": events}, labels=labels))

    assert math.isclose(expected([1, 1], None), 1)
    assert math.isclose(expected([1, 9], ["Dog"]), 1)
    # Two events, two classes: the same one with probability 1/2.
    assert math.isclose(expected([2, 2], ["Dog", "Cat"]), 1.5)


def test_test_clips_that_are_variants_have_the_events_of_their_conditions():
    mixtures = {
        "events": [1, 1],
        "clips": {"train": 9, "validation": 9, "test": 4},
        "conditions": {"snr": [0, 10], "events": [1, 2]},
    }
    found = config(mixtures=mixtures, labels=["Dog", "Cat"])
    expected = {split: forecasts.classes_per_clip(found, split) for split in ("train", "validation", "test")}
    assert expected == {"train": 1, "validation": 1, "test": pytest.approx((1 + 1.5) / 2)}
    more = {**mixtures, "conditions": {"snr": [0, 10], "events": [1, 6]}}
    assert config(mixtures=more).clips_of_job("ig") < config(mixtures=mixtures).clips_of_job("ig")


@pytest.fixture
def sources(tmp_path):
    """A table of three sources, one of unknown size, and an empty folder of resources."""
    rows = [
        ("bank", "bank.tar.gz", "archive", 1000, "0" * 32),
        ("bank", "list.tsv", "file", 50, "0" * 32),
        ("unknown", "unknown.zip", "archive", "", "0" * 32),
        ("other", "other.pth", "file", 7, "0" * 32),
    ]
    lines = [
        f"{name},{file},{kind},https://example.org/{file},,{size},{md5},,," for name, file, kind, size, md5 in rows
    ]
    path = tmp_path / "sources.csv"
    path.write_text("\n".join([",".join(sources_table.COLUMNS), *lines]) + "\n")
    return path


def test_only_what_is_missing_is_downloaded(sources, tmp_path):
    assert forecasts.missing(["bank", "other"], sources, tmp_path) == [
        Source("fetch", "bank", 1050, 2050),
        Source("fetch", "other", 7, 7),
    ]
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads" / "bank.tar.gz").write_bytes(bytes(1000))
    (tmp_path / "sources" / "other").mkdir(parents=True)
    assert forecasts.missing(["bank", "other"], sources, tmp_path) == [Source("fetch", "bank", 50, 1050)]
    with pytest.raises(InputError, match="no source 'nowhere'"):
        forecasts.missing(["nowhere"], sources, tmp_path)


def test_a_table_that_is_not_there_is_told(tmp_path):
    chosen = config(labels=["Dog"], soundbank={"kind": "debian", "table": "absent.csv"})
    with pytest.raises(InputError, match=r"absent.csv: there is no such file"):
        forecasts.inputs_of(chosen, tmp_path)


def test_unknown_sizes_are_shown_as_unknown(sources, tmp_path):
    (unknown,) = forecasts.missing(["unknown"], sources, tmp_path)
    assert math.isnan(unknown.download)
    alone = forecasts.text(table(INPUTS._replace(sources=(unknown,))), 2)
    assert alone.splitlines()[-1].endswith(", ? to download")
    both = forecasts.text(table(INPUTS._replace(sources=(unknown, Source("fetch", "bank", 3e9, 6e9)))), 2)
    assert "+ ? of disk, 3.0 GB + ? to download" in both.splitlines()[-1]
    assert re.search(r"^fetch +2 +3.0 GB \+ \?", both, flags=re.MULTILINE)


def test_last_line_says_it_all():
    last = forecasts.text(table(), cores=2).splitlines()[-1]
    assert re.fullmatch(r"about [\d.]+ min on 2 cores, [\d.]+ MB of disk, nothing to download", last)


def test_columns_are_aligned_and_not_measured_is_a_dash():
    lines = forecasts.text(table(), cores=2).splitlines()
    assert len({len(line) for line in lines[: lines.index("")]}) == 1
    row = next(line for line in lines if line.startswith("attribute"))
    assert re.split(r" {2,}", row)[5] == "–"


def test_more_than_a_day_and_a_full_disk_are_warned_of():
    assert "WARNING" not in forecasts.text(table(), 2)
    week = COSTS | {"attribute/ig": Cost(unit=1e4)}
    assert "WARNING: this takes longer than a day" in forecasts.text(table(costs=week), 2)
    assert "WARNING: only 1.0 MB of disk are free" in forecasts.text(table(), 2, free=1e6)


def test_the_bound_is_named():
    assert re.match(r"attribute takes \d+ % of the time; more cores", forecasts.bound(table(), cores=1))
    assert "its longest job bounds it" in forecasts.bound(table(), cores=1000)
    assert "more GPUs shorten it" in forecasts.bound(table(costs=ON_GPU), cores=1000)


def test_gpus_share_the_work_of_gpus():
    found = table(costs=ON_GPU)
    assert forecasts.wall(found, 1000, gpus=1) > found.loc["attribute", "gpu"]
    assert forecasts.wall(found, 1000, gpus=2) < forecasts.wall(found, 1000, gpus=1)
    last = forecasts.text(table(costs=ON_GPU), 8).splitlines()[-1]
    assert " on 8 cores and 1 GPU, " in last


FACTORS = {"s": 1, "min": 60, "h": 3600, "d": 86400, "B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}


@given(st.floats(0.1, 1e7), st.sampled_from([forecasts.duration, forecasts.size]))
def test_numbers_for_people_are_within_their_digits(value, form):
    number, unit = form(value).split(" ")
    assert abs(float(number) * FACTORS[unit] - value) <= max(0.05 * value, 0.05)
    assert len(number) <= 3 or unit in ("d", "TB")


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0"), (2.54, "2.5 s"), (59.9, "1.0 min"), (546, "9.1 min"), (86400 * 7, "7.0 d"), (math.nan, "–")],
)
def test_durations(seconds, expected):
    assert forecasts.duration(seconds) == expected


VARIANTS = {
    "miniature": MINIATURE,
    "other": MINIATURE
    | {
        "mixtures": {**MINIATURE["mixtures"], "shard": 7},
        "training": {"seeds": [0, 1]},
        "detectors": ["ig_captum", "fw_ss", "energy"],
        "evaluation": {"shared_from": "ig_captum", "also": ["present"]},
    },
    "paper": yaml.safe_load((ROOT / "config" / "paper.yaml").read_text()),
    # Every rule: controls, masks, sounds and levels.
    "controls": MINIATURE
    | {
        "clips_per_job": 2,
        "training": {"seeds": [0, 1], "levels": {"clips": 8}},
        "detectors": [
            *("ig", "cam", "occlusion", "few_shot", "random", "oracle"),
            {"name": "ig_background", "of": "ig", "baseline": "background"},
            {"name": "ig_smooth", "of": "ig", "smooth": 0.5},
            {"name": "ig_plain", "of": "ig", "levels": False},
            {"name": "cam_random_body", "of": "cam", "control": "random_body"},
            {"name": "cam_wrong_class", "of": "cam", "control": "wrong_class"},
            {"name": "occlusion_random_head", "of": "occlusion", "control": "random_head"},
            {"name": "occlusion_random_body", "of": "occlusion", "control": "random_body"},
        ],
    },
}
ON_GPUS = {
    **{name: {"features", "attribute"} for name in ("miniature", "other")},
    "paper": {"features", "levels", "attribute"},
    "controls": {"features", "attribute", "mask", "levels", "random_body"},
}
"""Stages that run on a GPU."""


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_jobs_are_snakemakes(variant, tmp_path):
    """Also how many there are of each rule, what is fetched, and that each rule's cost is known."""
    weights = tmp_path / "weights"
    weights.mkdir()
    (weights / "yamnet.safetensors").touch()
    (tmp_path / "project").mkdir()
    project = Project(tmp_path / "project", VARIANTS[variant], weights / "yamnet.safetensors")
    planned = project.plan()
    experiment = config(**project.settings)
    inputs = forecasts.inputs_of(experiment, project.folder / "resources")
    jobs = forecasts.planned(["experiment.yaml"], project.folder)
    costs = {f"attribute/{name}": COSTS["attribute/ig"] for name in experiment.detectors_of("classifier")}
    costs |= {f"train/{model}": COSTS["train/clip"] for model in experiment.models}
    found = forecasts.forecast(jobs, experiment, costs | COSTS, inputs)
    assert found["jobs"].to_dict() == planned
    assert bool(inputs.sources) == (variant == "paper")
    assert found["unknown"].sum() == sum(math.isnan(source.download) for source in inputs.sources)
    assert found["download"].sum() == sum(s.download for s in inputs.sources if not math.isnan(s.download))
    assert not found["guessed"].any()
    assert set(found.index[found["gpu"].isna()]) == ON_GPUS[variant]
    order = ["soundbank", "mix", "mixtures", "features", "train", "attribute", "merge", "evaluate", "metrics", "tables"]
    assert list(found.loc[order, "level"]) == sorted(set(found.loc[order, "level"]))
    assert found.loc["manifest", "level"] == found["level"].max()


def test_results_that_there_are_change_nothing(tmp_path):
    project = Project(tmp_path, MINIATURE)
    (project.folder / "experiment.yaml").write_text(yaml.safe_dump(MINIATURE))
    before = forecasts.planned(["experiment.yaml"], project.folder)
    project.run("figure_pipeline")
    assert "figure_pipeline" not in project.plan()
    assert sorted(forecasts.planned(["experiment.yaml"], project.folder), key=str) == sorted(before, key=str)
    assert [path.name for path in (project.folder / "results").iterdir()] == ["miniature"]


def test_a_plan_that_cannot_be_made_is_told(tmp_path):
    with pytest.raises(InputError, match="there is no workflow in this folder"):
        forecasts.planned([], tmp_path)
    project = Project(tmp_path, MINIATURE)
    project.edit("workflow/rules/models.smk", "unpack(head_inputs)", "unpack(nothing_of_this_name)")
    with pytest.raises(InputError, match=r"(?s)cannot plan this experiment: .*nothing_of_this_name"):
        forecasts.planned([], project.folder)


def test_what_is_not_known_counts_as_light_and_is_named():
    jobs = [Job("mix", {"split": "test", "shard": "0"}, 0), Job("my_rule", {"any": "thing"}, 1)]
    jobs += [Job("attribute", {"source": "my_method", "seed": "0", "split": "test", "shard": "0"}, 2)]
    found = forecasts.forecast(jobs, config(), COSTS, INPUTS)
    assert found["guessed"].to_dict() == {"mix": 0, "my_rule": 1, "attribute": 1}
    assert (found.loc[["my_rule", "attribute"], "cpu"] == COSTS["light"].job).all()
    assert "NOTE: nothing is known of what my_rule, attribute costs" in forecasts.text(found, 2)
    assert "NOTE" not in forecasts.text(table(), 2)


def test_measured_costs_cover_every_stage():
    """Also a method of which nothing is known but its name."""
    tiny = config(
        detectors=[
            {"name": "ig", "n_steps": 2, "tolerance": None},
            {"name": "another", "method": "examples.my_methods:gradient_times_input"},
            *("occlusion", "fw_ws", "fw_ss", "random", "energy"),
        ],
        labels=["Dog", "Speech"],
        mixtures={"duration": 2, "event_duration": [0.25, 0.5]},
        training={"seeds": [0]},
        evaluation={"bootstrap": 100},
    )
    threads, parts = torch.get_num_threads(), []
    costs = unit_costs.measure(tiny, say=parts.append)
    assert torch.get_num_threads() == threads
    assert "attribution by ig" in parts
    rest = {name for name in COSTS if not name.startswith("attribute/")}
    assert set(costs) == rest | {"attribute/ig", "attribute/another"}
    assert all(cost.job > 0 and cost.memory > 1e7 for cost in costs.values())
    assert all(cost.unit > 0 for name, cost in costs.items() if name not in ("light", "torch", "figure"))
    # 2 s are 6 or 7 of YAMNet's frames, and the pooled one, of 1024 numbers of four bytes.
    assert 7 * 4096 <= costs["features"].disk <= 8 * 4096 + 100
    assert 1_000 < costs["page"].disk < 2 * 64_000 * 4 / 3
    # 32000 samples a second of 16 bits, compressed, with Scaper's JAMS.
    assert 10_000 < costs["mix"].disk < 2 * 64_000 + 30_000
    assert math.isnan(costs["attribute/ig"].gpu)
    # A mask's 20 frames, and an embedding of 1024 numbers, of four bytes.
    assert costs["mask"].disk == 4 * (1024 + 20)
    assert not forecasts.forecast(plan(tiny), tiny, costs, forecasts.inputs_of(tiny))["guessed"].any()


def test_a_gpu_that_is_not_there_is_named():
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    measurement = unit_costs._Measurement(config(), "cuda", ROOT)
    with pytest.raises(InputError, match="torch finds none here"):
        measurement.network()


def test_the_command_takes_configuration_files_either_way(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(unit_costs, "measure", lambda *_: COSTS)
    monkeypatch.chdir(Project(tmp_path, MINIATURE).folder)
    (tmp_path / "mine.yaml").write_text("experiment: mine\ntraining: {seeds: [0]}\n")
    assert main(["forecast", "--configfile", "mine.yaml", "--cores", "3"]) == 0
    named = capsys.readouterr().out
    assert main(["forecast", "mine.yaml", "--cores", "3"]) == 0
    assert capsys.readouterr().out == named
    assert " on 3 cores, " in named
    assert named.rstrip().endswith("16 MB to download")
    assert re.search(r"^train +3 ", named, flags=re.MULTILINE)
