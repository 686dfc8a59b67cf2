"""Only what is invalid reruns: edits of code and settings, and what they set in motion."""

import copy

from tests.workflow.project import MINIATURE, contents

AFTER_SCORES = {"sweep", "evaluate", "metrics", "strata", "tables", "page", "manifest"}
OF_SCORES = {"figure_headline", "figure_examples", "figure_thresholds", "figure_per_class", "figure_strata"}
FIGURES = {"figure_pipeline", "figure_training", *OF_SCORES}
DRAWING = FIGURES | {"data_report"}


def changed(**sections) -> dict:
    settings = copy.deepcopy(MINIATURE)
    for name, values in sections.items():
        settings[name] = {**settings.get(name, {}), **values} if isinstance(values, dict) else values
    return settings


def test_a_second_run_does_nothing(finished):
    assert finished.plan() == {}


def test_a_comment_or_docstring_in_the_package_changes_nothing(editable):
    editable.edit("igsed/attribution/ig.py", "import math", "# a comment\nimport math")
    editable.edit("igsed/mixtures.py", '"""Synthetic mixtures', '"""Really synthetic mixtures')
    assert editable.plan() == {}


def test_an_edit_of_the_figures_redraws_figures_only(editable):
    editable.edit("igsed/report/figures.py", "def save(", "EDITED = 1\n\n\ndef save(")
    assert set(editable.plan()) == DRAWING | {"page", "manifest"}


def test_an_edit_of_the_attribution_recomputes_its_scores_and_what_follows(editable):
    editable.edit("igsed/attribution/ig.py", "class IntegratedGradients", "EDITED = 1\n\n\nclass IntegratedGradients")
    plan = editable.plan()
    assert set(plan) == {"attribute", "merge", *AFTER_SCORES, *OF_SCORES}
    assert (plan["attribute"], plan["merge"]) == (2, 2)


def test_an_edit_of_the_backbone_recomputes_features_models_and_what_follows(editable):
    editable.edit("igsed/backbones/yamnet/network.py", "class YAMNet(", "EDITED = 1\n\n\nclass YAMNet(")
    plan = editable.plan()
    assert {"features", "train", "classify", "attribute", "framewise"} <= set(plan)
    assert not {"mix", "mixtures", "soundbank", "make_soundbank", "baseline"} & set(plan)


def test_another_range_of_percentiles_only_evaluates(finished):
    plan = finished.plan(changed(evaluation={"percentiles": [10, 90]}))
    assert set(plan) == AFTER_SCORES | OF_SCORES


def test_another_number_of_steps_recomputes_only_ig(finished):
    plan = finished.plan(
        changed(detectors=[{"name": "ig", "n_steps": 5, "tolerance": None}, *MINIATURE["detectors"][1:]])
    )
    assert (plan["attribute"], plan["merge"]) == (2, 2)
    assert not {"mix", "features", "train", "classify", "framewise", "baseline"} & set(plan)


def test_a_smoothed_detector_is_made_of_the_attributions_there_are(finished):
    smoothed = {"name": "ig_smooth", "of": "ig", "smooth": 0.5}
    plan = finished.plan(changed(detectors=[*MINIATURE["detectors"], smoothed]))
    assert (plan["merge"], plan["sweep"], plan["evaluate"]) == (2, 1, 1)
    assert not {"attribute", "mix", "features", "train", "classify", "framewise", "baseline"} & set(plan)


def test_a_control_is_computed_and_nothing_else(finished):
    control = {"name": "ig_random_head", "of": "ig", "control": "random_head"}
    plan = finished.plan(changed(detectors=[*MINIATURE["detectors"], control]))
    assert (plan["attribute"], plan["merge"], plan["sweep"]) == (2, 2, 1)
    assert not {"mix", "features", "train", "classify", "framewise", "baseline", "random_body"} & set(plan)


def test_masked_clips_serve_all_seeds_and_controls_of_the_head(finished):
    masked = ["occlusion", {"name": "occlusion_random_head", "of": "occlusion", "control": "random_head"}]
    plan = finished.plan(changed(detectors=[*MINIATURE["detectors"], *masked], training={"seeds": [0, 1]}))
    assert (plan["mask"], plan["masked"]) == (2, 8)
    masked.append({"name": "occlusion_random_body", "of": "occlusion", "control": "random_body"})
    plan = finished.plan(changed(detectors=[*MINIATURE["detectors"], *masked]))
    assert (plan["mask"], plan["masked"], plan["random_body"]) == (4, 6, 2)
    assert not {"mix", "features", "train", "classify", "attribute", "merge", "framewise", "baseline"} & set(plan)


def test_clips_at_other_levels_train_models_again_but_for_those_without(finished):
    plain = {"name": "fw_ws_plain", "of": "fw_ws", "levels": False}
    settings = changed(training={"levels": {"clips": 8}}, detectors=[*MINIATURE["detectors"], plain])
    plan = finished.plan(settings)
    assert (plan["levels"], plan["train"]) == (1, 4)
    assert not {"mix", "features", "baseline", "random_body"} & set(plan)


def test_an_edit_of_the_strata_leaves_scores_and_metrics(editable):
    editable.edit("igsed/strata.py", "_INF = math.inf", "EDITED, _INF = 1, math.inf")
    assert set(editable.plan()) == {"strata", "figure_strata", "page", "manifest"}


def test_one_more_seed_trains_and_attributes_only_that_seed(finished):
    plan = finished.plan(changed(training={"seeds": [0, 1]}))
    assert (plan["train"], plan["classify"], plan["attribute"], plan["merge"], plan["framewise"]) == (3, 2, 2, 2, 4)
    assert not {"mix", "mixtures", "features", "baseline"} & set(plan)


def test_one_more_detector_computes_only_that_detector(finished):
    settings = changed(
        detectors=[*MINIATURE["detectors"], {"name": "gradient", "method": "mine:gradient"}],
    )
    (finished.folder / "mine.py").write_text(
        "def gradient(classifier, waveform, targets):\n    raise NotImplementedError\n"
    )
    plan = finished.plan(settings)
    assert (plan["attribute"], plan["merge"], plan["sweep"], plan["evaluate"]) == (2, 2, 1, 1)
    assert not {"mix", "features", "train", "classify", "framewise", "baseline"} & set(plan)


def test_more_test_clips_keep_the_old_ones(finished):
    plan = finished.plan(changed(mixtures={"clips": {"train": 32, "validation": 5, "test": 8}}))
    assert plan["mix"] == 1
    assert not {"train", "make_soundbank", "soundbank"} & set(plan)
    longer = changed(experiment="longer", mixtures={"clips": {"train": 32, "validation": 5, "test": 8}})
    finished.run("results/longer/shards/test/0", settings=longer)
    before = contents(finished.results / "mixtures" / "test", "audio/*.flac")
    after = contents(finished.folder / "results" / "longer" / "shards" / "test" / "0", "audio/*.flac")
    assert len(before) == 6
    assert len(after) == 8
    assert before.items() <= after.items()


def test_an_edited_figure_is_redrawn(editable):
    path = editable.results / "figures" / "thresholds.svg"
    before, table = path.read_bytes(), (editable.results / "tables" / "detection.csv").stat().st_mtime_ns
    target = str(path.relative_to(editable.folder))
    editable.edit("igsed/report/figures.py", "Threshold: {rule", "THRESHOLD: {rule")
    editable.run(target)
    assert path.read_bytes() != before
    assert (editable.results / "tables" / "detection.csv").stat().st_mtime_ns == table
    editable.edit("igsed/report/figures.py", "THRESHOLD: {rule", "Threshold: {rule")
    editable.run()
    assert path.read_bytes() == before
