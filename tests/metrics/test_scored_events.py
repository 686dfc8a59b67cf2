"""Metrics at every threshold against masks at each threshold, and against sed_scores_eval where it is installed."""

import itertools
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from igsed import evaluation, timeline
from igsed.clips import Split
from igsed.config.evaluation import Evaluation
from igsed.events import merged
from igsed.labels import of_frames
from igsed.metrics import METRICS, any_filter_psds, collar_based, psds
from igsed.metrics.scored_events import FILTERS, scaled
from igsed.scores import FrameScores
from tests.reference import sed_scores_eval

LABELS = ["Cat", "Dog", "Speech"]
SCALES = ["minmax", "rank", "raw"]
KINDS = {"psds1": (0.7, 0.7, None, 0.0), "psds2": (0.1, 0.1, 0.3, 0.5)}
slow_machines_too = settings(deadline=None, max_examples=60)


def events(*rows):
    return pd.DataFrame(rows, columns=["clip", "label", "onset", "offset"])


def values(table):
    return table.set_index(["metric", "label"])["value"]


def random_clips(clips=60, frames=100, seed=0, decimals=2, missing=0.6):
    """Scores, partly −inf, that know a little of the events; events with three decimals; lengths."""
    rng = np.random.default_rng(seed)
    names, rows, scores = [f"clip_{k}" for k in range(clips)], [], {}
    for name in names:
        for label in rng.choice(LABELS, rng.integers(0, 3), replace=False):
            onsets = np.sort(rng.uniform(0, frames / 10 - 1, rng.integers(1, 4)))
            rows += [(name, label, round(t, 3), round(t + rng.choice([0.2, 0.3, 0.9]), 3)) for t in onsets]
        known = events(*[row for row in rows if row[0] == name]).rename(columns={"label": "event_label"})
        active = of_frames(known, [name], LABELS, frames)[0].T
        found = np.round(rng.random((frames, 3)) + active * rng.choice([0, 0.7]), decimals)
        found[:, (rng.random(3) < missing) & ~active.any(0)] = -np.inf
        scores[name] = found
    return scores, events(*rows), dict.fromkeys(names, frames / 10)


def runs_of(scores, threshold):
    return timeline.segments((scores >= threshold) & (scores > -np.inf))


def overlap(run, event):
    return max(0.0, min(run[1], event[1]) - max(run[0], event[0]))


def brute_points(rows, known, durations, label, others, kind):
    """(effective false positives per hour, true positive rate) at every threshold, by masks."""
    detection, truth, cross, weight = KINDS[kind]
    points = [(0.0, 0.0)]
    for threshold in np.unique(np.concatenate(list(rows.values()))):
        hits, false, crossed = 0, 0, dict.fromkeys(others, 0)
        for clip, scores in rows.items():
            runs, mine = runs_of(scores, threshold), known.get((clip, label), [])
            right = []
            for run in runs:
                length = run[1] - run[0]
                if sum(overlap(run, event) for event in mine) >= detection * length - 1e-7:
                    right.append(run)
                    continue
                false += 1
                for other in others if cross else ():
                    inside = sum(overlap(run, event) for event in known.get((clip, other), []))
                    crossed[other] += inside >= cross * length - 1e-7
            hits += sum(sum(overlap(run, e) for run in right) >= truth * (e[1] - e[0]) - 1e-7 for e in mine)
        rate = false / sum(durations.values())
        if cross and others:
            total = {o: sum(e[1] - e[0] for (_, k), own in known.items() if k == o for e in own) for o in others}
            rate += weight * sum(crossed[other] / total[other] for other in others) / len(others)
        count = sum(len(own) for (_, k), own in known.items() if k == label)
        points.append((3600 * rate, hits / count))
    return points


def brute_areas(points):
    """The area of each class, and of all, from their points: the most that is hit at no higher a rate."""
    steps = sorted({0.0, 100.0} | {x for own in points.values() for x, _ in own if x < 100})
    heights = np.array([[max(y for x, y in own if x <= at + 1e-9) for at in steps[:-1]] for own in points.values()])
    width = np.diff(steps)
    together = np.maximum(heights.mean(0) - heights.std(0), 0)
    return dict(zip(points, heights @ width / 100, strict=True)), together @ width / 100


def brute(scores, reference, durations, kind, filters=(0.0,)):
    known = {}
    for event in merged(reference, 0.15, ("clip", "label")).itertuples():
        known.setdefault((event.clip, event.label), []).append((event.onset, event.offset))
    present = [label for label in LABELS if any(label == other for _, other in known)]
    points = {label: [] for label in present}
    for length, label in itertools.product(filters, present):
        half = round(length * 10) // 2
        rows = {}
        for clip, found in scores.items():
            padded = np.pad(found[:, LABELS.index(label)], half, constant_values=-np.inf)
            windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1)
            rows[clip] = np.sort(windows)[:, half]
        others = [other for other in present if other != label]
        points[label] += brute_points(rows, known, durations, label, others, kind)
    return brute_areas(points)


def assert_brute(table, metric, found):
    areas, overall = found
    assert values(table)[metric, "all"] == pytest.approx(overall, abs=1e-9)
    for label, area in areas.items():
        assert values(table)[metric, label] == pytest.approx(area, abs=1e-9), label


@st.composite
def tiny(draw):
    """Few frames and many ties: scores, events of at least one class, and lengths that make a false one cheap."""
    frames, clips = draw(st.integers(1, 14)), draw(st.integers(1, 3))
    numbers = st.sampled_from([-np.inf, -2.0, 0.0, 1.0, 2.5])
    scores = {f"clip_{k}": draw(hnp.arrays(float, (frames, 3), elements=numbers)) for k in range(clips)}
    # Long events, though nothing can find them, make cross triggers of their class cheap.
    times = st.tuples(st.integers(0, 140), st.integers(1, 30) | st.integers(1, 90) | st.integers(3000, 9000))
    rows = draw(
        st.lists(st.tuples(st.sampled_from(list(scores)), st.sampled_from(LABELS), times), min_size=1, max_size=6)
    )
    known = [(clip, label, at / 100, (at + length) / 100) for clip, label, (at, length) in rows]
    return scores, events(*known), dict.fromkeys(scores, draw(st.sampled_from([20.0, 300.0])))


@given(tiny())
@slow_machines_too
def test_psds_by_masks(case):
    table = psds(*case, LABELS)
    for kind in KINDS:
        assert_brute(table, kind, brute(*case, kind))


@given(tiny())
@slow_machines_too
def test_any_filter_by_windows(case):
    table = any_filter_psds(*case, LABELS)
    for kind in KINDS:
        assert_brute(table, f"{kind}_any_filter", brute(*case, kind, FILTERS))
    unfiltered = values(psds(*case, LABELS))
    for (kind, label), value in unfiltered.drop("all", level="label").dropna().items():
        assert values(table)[f"{kind}_any_filter", label] >= value - 1e-12


def most_matched(hits):
    """The largest number of pairs one to one, by trying all; hits (run, event)."""
    if not len(hits):
        return 0
    rest = [most_matched(hits[1:])]
    rest += [1 + most_matched(np.delete(hits[1:], event, axis=1)) for event in np.flatnonzero(hits[0])]
    return max(rest)


@given(tiny())
@slow_machines_too
def test_collar_f1_by_masks(case):
    assert_collar_f1(case)


@pytest.mark.parametrize("seed", range(40))
def test_collar_f1_where_a_run_agrees_with_two_events(seed):
    rng = np.random.default_rng(seed)
    scores = {clip: rng.integers(0, 4, (10, 3)).astype(float) for clip in "ab"}
    known = [
        (c, label, t / 10, (t + 1) / 10) for c in "ab" for label in LABELS[:2] for t in (0, 3, 6) if rng.random() < 0.8
    ]
    assert_collar_f1((scores, events(*known), {"a": 1.0, "b": 1.0}))


def assert_collar_f1(case):
    scores, reference, _ = case
    table = values(collar_based(*case, LABELS))["collar_f1"]
    known = merged(reference, 0.15, ("clip", "label"))
    for k, label in enumerate(LABELS):
        own = known[known["label"] == label]
        if own.empty:
            assert np.isnan(table[label])
            continue
        best = 0.0
        for threshold in np.unique([found[:, k] for found in scores.values()]):
            hits = detected = 0
            for clip, found in scores.items():
                here, runs = own[own["clip"] == clip], runs_of(found[:, k], threshold)
                onset, offset = here["onset"].to_numpy(), here["offset"].to_numpy()
                near = np.abs(runs[:, :1] - onset) <= 0.2 + 1e-7
                near &= np.abs(runs[:, 1:] - offset) <= np.maximum(0.2, 0.2 * (offset - onset)) + 1e-7
                hits, detected = hits + most_matched(near), detected + len(runs)
            best = max(best, 2 * hits / (detected + len(own)))
        assert table[label] == pytest.approx(best, abs=1e-12)


def theirs(scores, reference, durations, filters=None):
    """What sed_scores_eval says, called with tables for each clip of the classes that have events."""
    library = sed_scores_eval()
    from sed_scores_eval.base_modules.scores import create_score_dataframe

    known = merged(reference, 0.15, ("clip", "label"))
    present = [label for label in LABELS if (known["label"] == label).any()]
    places = [LABELS.index(label) for label in present]
    tables, truth = {}, {clip: [] for clip in scores}
    for clip, found in scores.items():
        stamps = np.round(np.arange(len(found) + 1) * timeline.FRAME, 6)
        tables[clip] = create_score_dataframe(found[:, places], stamps, present)
    for event in known.itertuples():
        truth[event.clip].append((event.onset, event.offset, event.label))
    result = {}
    for name, (detection, cover, cross, weight) in KINDS.items():
        options = {"dtc_threshold": detection, "gtc_threshold": cover, "cttc_threshold": cross}
        options |= {"alpha_ct": weight, "alpha_st": 1}
        if filters:
            overall, own, *_ = library.intersection_based.median_filter_independent_psds(
                tables, truth, durations, median_filter_lengths_in_sec=list(filters), max_efpr=100, **options
            )
        else:
            overall, own, *_ = library.intersection_based.psds(tables, truth, durations, max_efpr=100, **options)
        result[name] = own | {"all": overall, "class_mean": np.mean(list(own.values()))}
    if not filters:
        best, *_ = library.collar_based.best_fscore(
            tables, truth, onset_collar=0.2, offset_collar=0.2, offset_collar_rate=0.2
        )
        best["all"], best["class_mean"] = best.pop("micro_average"), best.pop("macro_average")
        result["collar_f1"] = best
    return result


@pytest.mark.parametrize("decimals", [1, 2, 15])
@pytest.mark.parametrize("seed", range(3))
def test_the_numbers_of_sed_scores_eval(seed, decimals):
    case = random_clips(seed=seed, decimals=decimals)
    found = values(pd.concat([psds(*case, LABELS), collar_based(*case, LABELS)]))
    for metric, expected in theirs(*case).items():
        for label, value in expected.items():
            assert found[metric, label] == pytest.approx(value, abs=1e-9), (metric, label)
    assert found.nunique() > 10


@pytest.mark.parametrize("seed", range(2))
def test_the_filtered_numbers_of_sed_scores_eval(seed):
    case = random_clips(clips=30, seed=seed)
    found = values(any_filter_psds(*case, LABELS))
    for metric, expected in theirs(*case, FILTERS).items():
        for label, value in expected.items():
            assert found[f"{metric}_any_filter", label] == pytest.approx(value, abs=1e-9), (metric, label)


def test_filters_are_odd_numbers_of_frames():
    """Only then does the library's filter, which is continuous in time, change at the borders of frames."""
    frames = np.array(FILTERS[1:]) * 10
    np.testing.assert_allclose(frames % 2, 1)


FUNCTIONS = [psds, any_filter_psds, collar_based]


def oracle(reference, frames=100):
    known = reference.rename(columns={"label": "event_label"})
    clips = list(reference["clip"].unique())
    return {clip: of_frames(known, clips, LABELS, frames)[k].T.astype(float) for k, clip in enumerate(clips)}


@pytest.mark.parametrize("function", [psds, collar_based])
def test_the_oracle_finds_everything(function):
    known = events(
        ("a", "Cat", 1.0, 2.0),
        ("a", "Cat", 3.1, 3.2),
        ("a", "Dog", 0.5, 9.9),
        ("b", "Speech", 0, 10),
        ("b", "Dog", 4, 5),
    )
    scores = {clip: np.where(found == 0, -np.inf, found) for clip, found in oracle(known).items()}
    found = values(function(scores, known, {"a": 10.0, "b": 10.0}, LABELS))
    np.testing.assert_allclose(found, 1)


def test_frames_are_too_coarse_for_short_events():
    """An event that lies across two frames fills less than 0.7 of them, so PSDS 1 counts the detection as wrong."""
    known = events(("a", "Cat", 1.06, 1.15))
    found = values(psds(oracle(known), known, {"a": 10.0}, LABELS))
    assert (found["psds1", "Cat"], found["psds2", "Cat"]) == (0, 1)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_without_any_event_nothing_has_a_value(function):
    scores, _, durations = random_clips(5)
    table = function(scores, events(), durations, LABELS)
    assert table["value"].isna().all()
    assert (table["n"] == 0).all()
    assert set(table["label"]) == {*LABELS, "class_mean", "all"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_classes_without_events_or_predictions(function):
    scores, known, durations = random_clips()
    known = known[known["label"] != "Cat"]
    for found in scores.values():
        found[:, 1] = -np.inf
    table = function(scores, known, durations, LABELS).set_index(["metric", "label"])
    for metric in table.index.unique("metric"):
        assert np.isnan(table.loc[(metric, "Cat"), "value"])
        assert table.loc[(metric, "Cat"), "n"] == 0
        assert table.loc[(metric, "Dog"), "value"] == 0
        mean = table.loc[(metric, ["Dog", "Speech"]), "value"].mean()
        assert table.loc[(metric, "class_mean"), "value"] == pytest.approx(mean)
        assert table.loc[(metric, "all"), "n"] == table.loc[metric].loc[LABELS, "n"].sum()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_only_the_order_of_scores_counts(function):
    """Scores below 0 are as good as any: a class that is not predicted stands below them all."""
    scores, known, durations = random_clips(20)
    moved = {clip: 10 * found - 1000 for clip, found in scores.items()}
    pd.testing.assert_frame_equal(function(scores, known, durations, LABELS), function(moved, known, durations, LABELS))


def test_a_constant_score_is_one_detection():
    known = events(("a", "Cat", 0.0, 8.0), ("b", "Cat", 0.0, 1.0))
    found = values(psds(dict.fromkeys("ab", np.full((100, 3), 0.5)), known, {"a": 10.0, "b": 3590.0}, LABELS))
    # In clip a right, in b wrong: one false positive in an hour.
    assert found["psds1", "Cat"] == pytest.approx(0.5 * 0.99)


class OneByOne(Mapping):
    """Scores that may be asked for once, in their order."""

    def __init__(self, scores):
        self._scores, self._left = scores, list(scores)

    def __getitem__(self, clip):
        assert clip == self._left.pop(0)
        return self._scores[clip]

    def __iter__(self):
        return iter(self._scores)

    def __len__(self):
        return len(self._scores)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_scores_are_read_once_and_stay_as_they_are(function):
    scores, known, durations = random_clips(6)
    before = {clip: found.copy() for clip, found in scores.items()}
    function(OneByOne(scores), known, durations, LABELS)
    for clip, found in scores.items():
        np.testing.assert_array_equal(found, before[clip])


@pytest.mark.parametrize(
    ("scores", "known", "message"),
    [
        (np.zeros((100, 2)), events(), "not \\(frame, class\\)"),
        (np.full((100, 3), np.nan), events(), "neither finite nor"),
        (np.full((100, 3), np.inf), events(), "neither finite nor"),
        (np.zeros((100, 3)), events(("b", "Cat", 1, 2)), "unknown clip"),
        (np.zeros((100, 3)), events(("a", "Cow", 1, 2)), "unknown label"),
        (np.zeros((100, 3)), events(("a", "Cat", 2, 2)), "offset > onset"),
    ],
)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_does_not_fit_is_refused(function, scores, known, message):
    with pytest.raises(ValueError, match=message):
        function({"a": scores}, known, {"a": 10.0}, LABELS)


def test_clips_may_differ_in_length():
    scores, known, durations = random_clips(20)
    short = {clip: found[: 40 + 2 * k] for k, (clip, found) in enumerate(scores.items())}
    for kind in KINDS:
        assert_brute(psds(short, known, durations, LABELS), kind, brute(short, known, durations, kind))


@given(hnp.arrays(float, st.tuples(st.integers(1, 4), st.integers(1, 12)), elements=st.integers(-9, 9)), st.data())
@slow_machines_too
def test_ranks_do_not_depend_on_the_scale(scores, data):
    probability = np.array(data.draw(st.lists(st.floats(0.1, 1), min_size=len(scores), max_size=len(scores))))
    ranks = scaled(scores, probability, "rank")
    for monotone in (np.exp, lambda x: x**3 - 700, np.arctan):
        np.testing.assert_array_equal(scaled(monotone(scores), probability, "rank"), ranks)
    np.testing.assert_allclose(scaled(5 * scores + 3, probability, "minmax"), scaled(scores, probability, "minmax"))
    for scale in ("rank", "minmax"):
        found = scaled(scores, probability, scale)
        np.testing.assert_allclose(found.max(1), probability)
        assert (found >= 0).all()
        np.testing.assert_array_equal(found.argsort(1, kind="stable"), scores.argsort(1, kind="stable"))
    np.testing.assert_array_equal(scaled(scores, probability, "raw"), scores)


@pytest.fixture
def judged():
    """A detector's scores, negative ones too, for predicted and present classes; what else `judge` takes."""
    rng = np.random.default_rng(3)
    known = random_clips(20)[1].rename(columns={"label": "event_label"})
    clips = [f"clip_{k}" for k in range(20)]
    table = pd.DataFrame(itertools.product(clips, LABELS), columns=["clip", "label"])
    present = pd.MultiIndex.from_frame(table).isin(pd.MultiIndex.from_frame(known[["clip", "event_label"]]))
    probability = np.clip(present * 0.6 + rng.random(60) * 0.6 - 0.1, 0, 1)
    predictions = table.assign(
        probability=probability, predicted=(probability > 0.5).astype(int), present=present.astype(int)
    )
    scores = FrameScores(table, rng.normal(size=(60, 100)))
    split = Split(known, dict.fromkeys(clips, 10.0), {"test": clips, "test_unseen": clips[:9]})
    return scores, predictions, split


def judging(scale="minmax", **changes):
    section = Evaluation(**changes)
    protocols = {name: tuple(protocol) for name, protocol in section.protocols.items()}
    return evaluation.Judging(LABELS, protocols, section.metrics, section.select, section.arguments, scale)


@pytest.mark.parametrize("scale", SCALES)
def test_scores_of_clips(judged, scale):
    scores, predictions, _ = judged
    found = evaluation.ScoresOfClips(scores, predictions, ["clip_3", "clip_1"], judging(scale))
    assert list(found) == ["clip_3", "clip_1"]
    for clip in found:
        for k, row in enumerate(predictions[predictions["clip"] == clip].itertuples()):
            values = scores.values[row.Index][None]
            expected = scaled(values, np.array([row.probability]), scale)[0] if row.predicted else -np.inf
            np.testing.assert_array_equal(found[clip][:, k], np.broadcast_to(expected, 100))


@pytest.mark.parametrize("scale", SCALES)
def test_judged_once_for_all_protocols(judged, scale):
    scores, predictions, split = judged
    how = judging(scale)
    sweeps = evaluation.sweep(
        scores, predictions, split.events, {"percentile": [50, 80], "peak": [0.3, 0.6]}, ["predicted_present"], "iou", 0
    )
    _, detections = evaluation.judge(scores, predictions, split, evaluation.Sweeps(sweeps, sweeps), how, "mine", 0)
    names = ["psds1", "psds2", "collar_f1"]
    of_scores = detections[detections["metric"].isin(names)].set_index(["split", "protocol", "metric", "label"])
    assert set(detections["metric"]) > set(names)
    for part, clips in split.subsets.items():
        given = evaluation.ScoresOfClips(scores, predictions, clips, how)
        known = split.events[split.events["clip"].isin(clips)].rename(columns={"event_label": "label"})
        durations = dict.fromkeys(clips, 10.0)
        expected = values(pd.concat([f(given, known, durations, LABELS) for f in (psds, collar_based)]))
        for protocol in how.protocols:
            pd.testing.assert_series_equal(
                of_scores.loc[part].loc[protocol]["value"].sort_index(), expected.sort_index()
            )


def test_nothing_predicted(judged):
    scores, predictions, split = judged
    found = evaluation.scored_event_metrics(
        split, split.subsets["test"], scores, predictions.assign(predicted=0), judging()
    )
    assert (pd.concat(found)["value"] == 0).all()


def test_by_default_no_filters_are_tried():
    names = Evaluation().metrics
    assert "psds1" in names
    assert not any(METRICS.find(name).function is any_filter_psds for name in names)
