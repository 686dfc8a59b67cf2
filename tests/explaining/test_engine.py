"""From a recording to scores and events, with a tiny network, and with YAMNet."""

import json
import re
import tracemalloc
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
import yaml
from safetensors.torch import save_file
from torch import nn

import igsed
from igsed import attribution, backbones, detectors, events, features, metrics, scores, timeline
from igsed.backbones.yamnet.network import YAMNet
from igsed.classifier import Classifier
from igsed.errors import InputError
from igsed.explaining import engine, labels, methods, models, results
from igsed.explaining.streams import Recording
from igsed.jobs import integrity
from igsed.thresholds.otsu import otsu_mask
from tests.backbones import yamnet_reference as reference
from tests.toys import RATE, Toy
from tests.weights import yamnet_files, yamnet_weights

LABELS = ("Cat", "Dog", "Speech")


def toy(window=10.0, **more):
    head = nn.Linear(3, 3)
    head.load_state_dict(
        {"weight": torch.randn(3, 3, generator=torch.Generator().manual_seed(2)), "bias": torch.ones(3)}
    )
    return models.Model("toy", LABELS, Classifier(Toy(), head).eval(), window, **more)


def noise(seconds, rate=RATE, seed=0):
    envelope = np.repeat(np.random.default_rng(seed + 1).uniform(0.05, 1, int(seconds) + 1), rate)[
        : round(seconds * rate)
    ]
    return envelope * np.random.default_rng(seed).uniform(-0.5, 0.5, round(seconds * rate))


@pytest.fixture(scope="module")
def untrained():
    torch.manual_seed(0)
    network = YAMNet().requires_grad_(False)
    for layer in network.layers:  # so that something reaches the last one
        layer.convolution.weight.mul_(2.5)
    return network


@pytest.mark.parametrize("seconds", [9.9, 10.4, 17.35, 31.7])
def test_joined_windows_are_one_long_pass(untrained, seconds):
    """YAMNet's padding depends on the length; windows are as long as the recording up to whole frames."""
    model = models.Model(
        "yamnet", tuple(map(str, range(521))), models.MeanClassifier(untrained, untrained.dense), span=0.96
    )
    sound = noise(seconds, 16000).astype(np.float32)
    recording = Recording.of_array(sound, 16000, 16000)
    heard = engine.listen(recording, model, methods.chosen(), timeline.frame_count(seconds))
    with torch.no_grad():
        whole = model.classifier.frames(torch.from_numpy(sound)[None])[0].numpy()
    np.testing.assert_allclose(heard.times, untrained.frame_times(len(sound)), atol=1e-9)
    np.testing.assert_allclose(heard.logits, whole, atol=1e-4 * np.abs(whole).max())
    assert np.ptp(whole, axis=0).max() > 1e-3 * np.abs(whole).max()


def test_loudness_is_that_of_the_detector():
    sound = noise(23.456)
    heard = engine.listen(Recording.of_array(sound, RATE, RATE), toy(), methods.chosen(), 234)
    expected = detectors.load("energy")(sound.astype(np.float32), RATE, ["a"], 0, "x")[0]
    np.testing.assert_allclose(heard.energy, expected, rtol=1e-5)


@pytest.mark.parametrize("method", ["cam", "ig", "gradient_input", "lrp", "occlusion"])
def test_a_clip_has_the_scores_of_the_method_itself(method):
    sound, model = noise(7.25), toy()
    found = igsed.explain(sound, RATE, ["Dog", "Cat"], method, model)
    waveform = torch.from_numpy(sound.astype(np.float32))
    if method == "cam":
        logits = model.classifier.frames(waveform[None])[0].detach().numpy()[:, [1, 0]]
        expected = timeline.resample(logits.T, model.network.frame_times(len(waveform)).numpy(), 72)
    else:
        settings = methods.QUIET if method == "ig" else {}
        run = detectors.load(method, **settings)
        torch.manual_seed(engine.seeds.integer(0, "explain", 0))
        expected = attribution.explain(run, model.classifier, waveform, [1, 0]).scores.numpy()
    np.testing.assert_allclose(found.frames[["Dog", "Cat"]].to_numpy().T, expected, rtol=1e-5, atol=1e-6)
    rule = results.rule(floor=0, gap=0)
    plain = igsed.explain(sound, RATE, ["Dog"], method, model, floor=0, gap=0).events
    edges = timeline.segments(otsu_mask(expected[0]))
    np.testing.assert_allclose(plain[["onset", "offset"]], edges)
    assert rule.threshold == "otsu"


@pytest.mark.parametrize("method", ["cam", "ig"])
def test_long_recordings_have_every_frame_once(method):
    found = igsed.explain(noise(33.33), RATE, LABELS, method, toy())
    assert list(found.scores["frame"]) == [*range(333)] * 3
    assert found.frames["offset"].iloc[-1] == pytest.approx(33.3)
    assert found.scores["score"].notna().all()
    assert {"label", "onset", "offset", "confidence", "note"} == set(found.events)
    assert found.events["confidence"].between(0, 1).all()


def test_yamnets_probabilities_are_those_of_the_published_network():
    """On patches of 0.96 s, for which TensorFlow's answers are recorded."""
    published = np.load(reference.FILE)["scores"]
    network = backbones.load("yamnet", yamnet_weights())
    classifier = models.MeanClassifier(network, network.dense).eval()
    patches = torch.from_numpy(reference.signal()).unfold(0, reference.PATCH, reference.PATCH_HOP)[: reference.PATCHES]
    with torch.no_grad():
        np.testing.assert_allclose(torch.sigmoid(classifier(patches)), published, atol=3e-4)
        # The methods pool by themselves.
        frames = classifier.backbone.body(classifier.backbone.spectrum(patches))
        pooled = classifier.head(classifier.backbone.project(frames.amax(1) + frames.mean(1)))
        np.testing.assert_allclose(torch.sigmoid(pooled), published, atol=3e-4)
    model = models.Model("yamnet", tuple(map(str, range(521))), classifier, span=models.PATCH)
    one = igsed.explain(patches[0].numpy(), 16000, model=model)
    largest = one.labels.set_index("label").loc[list(model.labels), "probability"]
    np.testing.assert_allclose(largest, published[0], atol=3e-4)


def test_yamnets_classes_have_the_published_names():
    _, _, class_map = yamnet_files()
    names = models.weights.class_names(class_map.parents[1])
    assert (len(names), len(set(names))) == (521, 521)
    assert (names[0], names[1], names[69]) == ("Speech", "Child speech, kid speaking", "Dog")


@pytest.fixture
def experiment(tmp_path, monkeypatch):
    """A finished run with the toy network, two seeds, a clip with its scores."""
    folder = tmp_path / "results" / "tiny"
    (folder / "models" / "clip").mkdir(parents=True)
    (folder / "predictions" / "seed0").mkdir(parents=True)
    config = {
        "backbone": {"name": f"{__name__}:TINY", "weights": str(tmp_path / "weights")},
        "mixtures": {"duration": 8},
        "evaluation": {"upsampling": "linear"},
        "labels": None,
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    (folder / "backbone").mkdir()
    (folder / "backbone" / "tiny").write_text("")
    for seed in range(2):
        random = torch.Generator().manual_seed(seed)
        head = {"weight": torch.randn(3, 3, generator=random), "bias": torch.randn(3, generator=random)}
        save_file(head, folder / "models" / "clip" / f"seed{seed}.safetensors")
    pd.DataFrame({"clip": "a", "label": LABELS}).to_csv(folder / "predictions" / "seed0" / "test.csv")
    monkeypatch.setattr(models.backbones.NETWORKS, "find", lambda name: _Tiny())
    monkeypatch.setattr(models.backbones, "load", lambda name, path, **settings: Toy())
    return folder


def _damage(file, change):
    content = file.read_bytes()
    change(file)
    assert not file.exists() or file.read_bytes() != content


@pytest.mark.parametrize(
    ("file", "change", "problem"),
    [
        ("config.yaml", lambda file: file.unlink(), "no such file"),
        ("config.yaml", lambda file: file.write_text("a: ["), "cannot be read as the configuration"),
        ("config.yaml", lambda file: file.write_text("[1]"), "cannot be read as the configuration"),
        ("config.yaml", lambda file: file.write_text(file.read_text().replace("8", "long")), "cannot be read"),
        ("models/clip/seed1.safetensors", lambda file: file.write_bytes(file.read_bytes()[:50]), "as a trained head"),
        ("models/clip/seed1.safetensors", lambda file: save_file({"a": torch.ones(1)}, file), "as a trained head"),
        (
            "models/clip/seed1.safetensors",
            lambda file: save_file({"weight": torch.ones(2, 3), "bias": torch.ones(2)}, file),
            "heads of the shapes",
        ),
        ("predictions/seed0/test.csv", lambda file: file.write_text(""), "as predictions"),
        ("predictions/seed0/test.csv", lambda file: file.write_text("a,b\n1,2\n"), "as predictions"),
        ("predictions/seed0/test.csv", lambda file: file.write_text("clip,label\na,Owl\n"), "no label"),
        ("predictions/seed0/test.csv", lambda file: file.write_text(file.read_text() + "3,a,Blender\n"), "4 classes"),
    ],
)
def test_damaged_experiments_are_refused(experiment, file, change, problem):
    _damage(experiment / file, change)
    with pytest.raises(InputError, match=problem) as told:
        igsed.explain(noise(2), RATE, model=str(experiment))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("file", ["config.yaml", "models/clip/seed0.safetensors", "predictions/seed0/test.csv"])
def test_what_was_edited_since_is_refused(experiment, file):
    path = experiment / file
    integrity.record_of(path).write_text(integrity.describe(path, path.name))
    models.load(str(experiment))
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(InputError, match=path.name):
        models.load(str(experiment))


def test_classes_have_the_order_of_the_heads_whatever_that_of_the_predictions(experiment):
    path = experiment / "predictions" / "seed0" / "test.csv"
    pd.DataFrame({"clip": "a", "label": LABELS[::-1]}).to_csv(path)
    assert models.load(str(experiment)).labels == LABELS


class _Tiny:
    name, make = "tiny", ""

    class settings:
        @staticmethod
        def model_validate(values):
            return values

    def place(self, settings, results, resources):
        return f"{results}/backbone/tiny"

    def own_weights(self, settings):
        return settings["weights"]


def test_an_experiments_scores_and_events_are_the_workflows(experiment, tmp_path):
    """Those that workflow/scripts/framewise.py makes from the cached features."""
    path = tmp_path / "a.wav"
    soundfile.write(path, noise(8, 2000), 2000, subtype="FLOAT")
    features.extract(Toy(), [path], tmp_path / "frames.npy", tmp_path / "clips.npy")
    for seed in (0, 1):
        head = models.load_file(experiment / "models" / "clip" / f"seed{seed}.safetensors")
        weight, bias = head["weight"].numpy(), head["bias"].numpy()
        times = Toy().frame_times(8 * RATE).numpy()
        expected = detectors.framewise.scores(np.load(tmp_path / "frames.npy")[0], weight, bias, times, 80, "linear")
        with scores.Writer(tmp_path / "scores.parquet") as writer:
            writer.add("a", LABELS, expected)
        workflow = scores.read(tmp_path / "scores.parquet")
        found = igsed.explain(path, labels=LABELS, model=str(experiment), seed=seed, floor=0, gap=0)
        assert list(found.scores["clip"].unique()) == ["a"]
        np.testing.assert_allclose(found.frames[[*LABELS]].to_numpy().T, workflow.values, atol=1e-6)
        for label, values in zip(LABELS, workflow.values, strict=True):
            own = found.events[found.events["label"] == label]
            np.testing.assert_array_equal(own[["onset", "offset"]], timeline.segments(otsu_mask(values)))
        logits = np.load(tmp_path / "clips.npy")[0] @ weight.T + bias
        probabilities = found.labels.set_index("label").loc[[*LABELS], "probability"]
        np.testing.assert_allclose(probabilities, 1 / (1 + np.exp(-logits)), atol=1e-5)


def bursts(path, seed):
    """Eight seconds of soft noise with two loud stretches, each of which has an event of most classes."""
    rng = np.random.default_rng(seed)
    sound, rows = 0.02 * rng.uniform(-1, 1, 8 * RATE), []
    for start in (0.5, 4.5):
        onset = start + 0.1 * rng.integers(10)
        offset = onset + 0.1 * rng.integers(5, 20)
        place = slice(round(onset * RATE), round(offset * RATE))
        sound[place] += rng.uniform(0.2, 0.6) * rng.uniform(-1, 1, place.stop - place.start)
        rows += [(path.stem, round(onset, 3), round(offset, 3), label) for label in rng.permutation(LABELS)[:2]]
    soundfile.write(path, sound, RATE, subtype="FLOAT")
    return pd.DataFrame(rows, columns=events.COLUMNS)


def counted_by_sed_eval(evaluator, folder, reference, clips, **options):
    """F1 and error rate of all classes, of the files that `igsed explain` wrote."""
    import sed_eval

    for clip in clips:
        real = [row._asdict() for row in reference[reference["filename"] == clip].itertuples(index=False)]
        found = sed_eval.io.load_event_list(str(folder / f"{clip}.tsv"))
        evaluator.evaluate(real, [event for event in found if event.event_label], **options)
    return evaluator.overall_f_measure()["f_measure"], evaluator.overall_error_rate()["error_rate"]


@pytest.mark.filterwarnings("ignore")
def test_sed_eval_gives_the_written_events_the_workflows_numbers(experiment, tmp_path):
    sed_eval = pytest.importorskip("sed_eval")
    head = models.load_file(experiment / "models" / "clip" / "seed0.safetensors")
    paths = [tmp_path / f"clip{k}.wav" for k in range(6)]
    reference = pd.concat([bursts(path, seed) for seed, path in enumerate(paths)], ignore_index=True)
    # the workflow: cached frames, the head on them, Otsu's threshold, runs of frames
    features.extract(Toy(), paths, tmp_path / "frames.npy", tmp_path / "clips.npy")
    weight, bias = head["weight"].numpy(), head["bias"].numpy()
    times, rows = Toy().frame_times(8 * RATE).numpy(), []
    for path, frames in zip(paths, np.load(tmp_path / "frames.npy"), strict=True):
        values = detectors.framewise.scores(frames, weight, bias, times, 80, "linear")
        for label, mask in zip(LABELS, otsu_mask(values), strict=True):
            rows += [(path.stem, label, onset, offset) for onset, offset in timeline.segments(mask)]
    estimated = pd.DataFrame(rows, columns=["clip", "label", "onset", "offset"])
    real = reference.rename(columns={"filename": "clip", "event_label": "label"})
    durations = {path.stem: 8.0 for path in paths}
    ours = [
        metrics.event_based(real, estimated, durations, LABELS),
        metrics.segment_based(real, estimated, durations, LABELS),
    ]
    # igsed explain, and sed_eval on what it writes
    model = models.load(experiment, 0)
    for path in paths:
        igsed.explain(path, labels=LABELS, model=model, floor=0).save("desed", tmp_path / f"{path.stem}.tsv")
    judges = (
        (
            sed_eval.sound_event.EventBasedMetrics(
                list(LABELS), t_collar=0.2, percentage_of_length=0.2, empty_system_output_handling="zero_score"
            ),
            {},
        ),
        (
            sed_eval.sound_event.SegmentBasedMetrics(list(LABELS), time_resolution=1.0),
            {"evaluated_length_seconds": 8.0},
        ),
    )
    for table, name, (judge, options) in zip(ours, ("event", "segment"), judges, strict=True):
        values = table[table["label"] == "all"].set_index("metric")["value"]
        expected = values[f"{name}_f1"], values[f"{name}_error_rate"]
        assert 0 < expected[0] < 1
        found = counted_by_sed_eval(judge, tmp_path, events.merged(reference, 0.15), list(durations), **options)
        np.testing.assert_allclose(found, expected, rtol=1e-12)


ENTRIES = [
    {"name": "mine", "method": "ig", "baseline": "silence", "domain": "mel", "n_steps": 2, "tolerance": None},
    {"name": "ig_quiet", "method": "ig", **methods.QUIET},
    {"name": "cam", "method": "cam"},
    {"name": "fw_first", "method": "fw_ws"},
    {"name": "fw_again", "method": "fw_ws"},
    {"name": "mine_random", "method": "ig", "control": "random_head"},
    {"name": "smooth", "method": "cam", "smooth": 0.5},
    {"name": "cam_plain", "method": "cam", "levels": False},
    {"name": "strange", "method": "no_such_package:thing"},
    {"name": "energy", "method": "energy"},
]


@pytest.fixture
def with_detectors(experiment):
    path = experiment / "config.yaml"
    config = yaml.safe_load(path.read_text()) | {"detectors": ENTRIES, "training": {"levels": {"all": True}}}
    path.write_text(yaml.safe_dump(config))
    (experiment / "models" / "fw_first").mkdir()
    head = {"weight": torch.eye(3), "bias": torch.arange(3.0)}
    save_file(head, experiment / "models" / "fw_first" / "seed0.safetensors")
    return experiment


def test_an_experiments_detectors_are_methods_by_their_own_names(with_detectors):
    found = igsed.explain(noise(8), RATE, LABELS, "mine", with_detectors)
    given = {key: value for key, value in ENTRIES[0].items() if key not in ("name", "method")}
    expected = igsed.explain(noise(8), RATE, LABELS, "ig", with_detectors, **given)
    pd.testing.assert_frame_equal(found.scores, expected.scores)
    assert found.method == "IG (mine)" != expected.method
    assert igsed.explain(noise(8), RATE, LABELS, "mine", with_detectors, n_steps=3).settings["settings"]["n_steps"] == 3
    quiet = igsed.explain(noise(8), RATE, LABELS, "ig_quiet", with_detectors)
    assert "0.77" in quiet.accuracy
    framewise = [igsed.explain(noise(8), RATE, LABELS, name, with_detectors) for name in ("fw_first", "fw_again")]
    pd.testing.assert_frame_equal(framewise[0].scores, framewise[1].scores)
    waveform = torch.from_numpy(noise(8).astype(np.float32))[None]
    logits = (Toy().project(Toy().body(Toy().spectrum(waveform)))[0] + torch.arange(3.0)).numpy()
    wanted = timeline.resample(logits.T, Toy().frame_times(8 * RATE).numpy(), 80)
    np.testing.assert_allclose(framewise[0].frames[[*LABELS]].to_numpy().T, wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("mine_random", "control"),
        ("smooth", "smoothed"),
        ("cam_plain", "other levels"),
        ("strange", "no_such_package"),
        ("energy", "explains no classifier"),
    ],
)
def test_an_experiments_detectors_that_cannot_explain_are_told(with_detectors, name, problem):
    with pytest.raises(InputError, match=f"{name}.*{problem}") as error:
        igsed.explain(noise(8), RATE, LABELS, name, with_detectors)
    own, others = re.search(r"of the experiment \((.*)\), one of igsed's \((.*)\)", str(error.value)).groups()
    assert sorted(own.split(", ")) == ["cam", "fw_again", "fw_first", "ig_quiet", "mine"]
    assert not {"fw_ws", "fw_ss", "few_shot", "energy", "oracle", "cam"}.intersection(others.split(", "))


def test_an_experiments_settings_are_told(with_detectors):
    """An entry may have the name of a method that has other settings elsewhere."""
    found = igsed.explain(noise(8), RATE, LABELS, "mine", with_detectors)
    assert found.settings["origin"].startswith(f"mine as in {with_detectors} (")
    assert f"n_steps {ENTRIES[0]['n_steps']}" in found.settings["origin"]
    changed = igsed.explain(noise(8), RATE, LABELS, "mine", with_detectors, n_steps=3)
    assert f"mine as in {with_detectors}, but n_steps 3 (" in changed.settings["origin"]
    assert not igsed.explain(noise(8), RATE, LABELS, "gradient_input", with_detectors).settings["origin"]


def test_an_experiments_own_accuracy_is_told(with_detectors):
    """That of the detector there; not where a setting differs, and not of what is no detector there."""
    (with_detectors / "tables").mkdir()
    path = with_detectors / "tables" / "detection.csv"
    columns = "detector,protocol,average_precision,average_precision_low,average_precision_high"
    path.write_text(f"{columns}\nmine,own,0.512,0.4,0.6\nmine,shared,0.512,0.4,0.6\nenergy,own,0.3,0.2,0.4\n")
    found = igsed.explain(noise(8), RATE, LABELS, "mine", with_detectors)
    assert found.accuracy.endswith("on its own test clips: 0.51 [0.40, 0.60]; loudness alone 0.30.")
    changed = igsed.explain(noise(8), RATE, LABELS, "mine", with_detectors, n_steps=3)
    assert "0.51" not in changed.accuracy
    assert "0.77" in igsed.explain(noise(8), RATE, LABELS, "ig_quiet", with_detectors).accuracy
    path.write_text("detector,iou\n")
    with pytest.raises(InputError, match=r"detection.csv: cannot be read"):
        models.load(with_detectors)


def test_a_digest_is_of_all_that_a_model_and_a_method_bring(with_detectors):
    def digest(method="mine", **settings):
        model = models.load(with_detectors)
        return models.digest(model, methods.chosen(method, settings, model.detectors))

    first = digest()
    assert digest() == first
    digests = {first, digest(n_steps=3), digest("cam"), digest("fw_first")}
    for folder in ("clip", "fw_first"):
        path = with_detectors / "models" / folder / "seed0.safetensors"
        head = models.load_file(path)
        save_file(head | {"bias": head["bias"] + 1e-6}, path)
        digests.add(digest("fw_first"))
    assert len(digests) == 6
    sounds = models._own(Classifier(Toy(), nn.Linear(3, 2)), "own")
    assert len(models.digest(sounds, methods.chosen())) == 64


def test_without_a_seed_heads_are_averaged_and_their_spread_shown(experiment):
    found = igsed.explain(noise(8), RATE, LABELS, model=experiment)
    each = [igsed.explain(noise(8), RATE, LABELS, model=experiment, seed=seed) for seed in (0, 1)]
    mean = np.mean([one.frames[[*LABELS]].to_numpy() for one in each], axis=0)
    np.testing.assert_allclose(found.frames[[*LABELS]].to_numpy(), mean, atol=1e-5)
    both = np.stack([one.labels.set_index("label").loc[[*LABELS], "probability"] for one in each])
    table = found.labels.set_index("label").loc[[*LABELS]]
    np.testing.assert_allclose(table["low"], both.min(0), atol=1e-5)
    np.testing.assert_allclose(table["high"], both.max(0), atol=1e-5)


def test_an_hour_of_many_classes_fits():
    """What is computed of all classes at once is little more than their scores."""
    frames, names = 36_000, [f"class {k}" for k in range(100)]
    times = (np.arange(7500) + 0.5) * 0.48
    logits = np.sin(times[:, None] / 100 + np.arange(len(names))).astype(np.float32)
    rule, size = results.Rule(), frames * len(names) * 8
    tracemalloc.start()
    try:
        scores = engine._on_grid(logits, times, frames, SimpleNamespace(upsampling="nearest"))
        results.correlations(scores, scores[:1])
        found = rule.events(scores, names)
        results.heights(found, names, scores)
        assert tracemalloc.get_traced_memory()[1] < 2 * size
    finally:
        tracemalloc.stop()


def test_labels_are_found_and_misspelt_ones_told():
    names = ["Speech", "Dog", "Bark", "Domestic animals, pets"]
    assert labels.chosen(["dog", "Dog", "domestic animals, pets"], names) == [1, 3]
    assert labels.chosen(["dog", "Dog", "DOG"], ["Dog", "dog"]) == [1, 0]
    with pytest.raises(InputError, match="no class"):
        labels.chosen([], names)
    for strange in (3, ["Dog", 3]):
        with pytest.raises(InputError, match="labels: 3 is no name"):
            labels.chosen(strange, names)
    with pytest.raises(InputError, match=r"'Dgo'.*Did you mean 'Dog'"):
        labels.chosen("Dgo", names)
    with pytest.raises(InputError, match="'Domestic animals, pets'"):
        labels.chosen(["pets"], names)


@pytest.mark.parametrize(
    ("method", "problem"),
    [
        ("oracle", "explains no classifier"),
        ("energy", "no classifier"),
        ("few_shot", "strong labels"),
        ("cma", r"there is no such detector \(did you mean 'cam'\?\). Use cam, "),
        ("ig_qiet", "Use ig_quiet, "),
    ],
)
def test_methods_that_cannot_explain_are_told(method, problem):
    """With those that can, here, the nearest names first."""
    with pytest.raises(InputError, match=problem) as error:
        methods.chosen(method)
    listed = str(error.value).partition("Use ")[2].partition(", or package")[0].split(", ")
    assert sorted(listed) == methods.known()
    assert {"cam", "ig", "ig_quiet", "lrp", "occlusion"} < set(listed)
    assert not {"fw_ws", "few_shot", "energy", "oracle", "scores"}.intersection(listed)
    with pytest.raises(InputError, match="training clips"):
        methods.chosen("ig", {"baseline": "background"})


def test_the_stated_accuracies_are_those_of_the_findings():
    page = (models.Path(igsed.__file__).parents[1] / "docs" / "findings.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in page.splitlines() if line.startswith("| `")]
    table = {row[1].split("`")[1]: [cell.split()[0] for cell in row[2:5] if cell.strip()] for row in rows[6:]}
    for name, values in {**methods.ACCURACY, "energy": methods.ENERGY}.items():
        assert [f"{value:.2f}" for value in values] == table[name], name
    assert methods.chosen("saliency").accuracy().endswith("0.39 on generated sounds; loudness alone 0.66.")
    assert "0.35" in methods.chosen("ig", {**detectors.checked(detectors.find("ig"), {})}).accuracy()
    assert "not measured" in methods.chosen("ig", {"n_steps": 5}).accuracy()
    assert "not measured" in methods.chosen("ig_captum").accuracy()


def test_the_stated_accuracies_of_published_classes_are_those_of_the_page():
    page = (models.Path(igsed.__file__).parents[1] / "docs" / "explain.md").read_text(encoding="utf-8")
    for bank, (value, loud) in methods.PUBLISHED["cam"].items():
        row = next(line for line in page.splitlines() if line.lstrip().startswith(f"| {bank}, of at least 0.5"))
        assert [cell.split()[0] for cell in row.split("|")[3:5]] == [f"{value:.2f}", f"{loud:.2f}"]
    method = methods.chosen()
    assert "own classes" in method.accuracy(False, True)
    assert "0.90 on generated sounds" in method.accuracy()
    assert "and not with others" in method.accuracy(False)
    assert "and not with others" not in method.accuracy()


@pytest.mark.parametrize("sound", [np.zeros(16000), np.full(16000, 0.3)])
def test_silence_is_told(sound):
    with pytest.raises(InputError, match="nothing sounds"):
        igsed.explain(sound, RATE, model=toy())


@pytest.mark.parametrize("method", ["cam", "gradient_input"])
def test_what_is_above_full_scale_is_scaled_as_a_whole_and_told(method, tmp_path):
    """A file of floats in the scale of 16 bits, and such an array: what is heard is the sound, not its scale."""
    sound = noise(23).astype(np.float32)
    sound /= np.abs(sound).max()
    expected = igsed.explain(sound, RATE, LABELS, method, toy())
    soundfile.write(tmp_path / "loud.wav", sound * 2**15, RATE, subtype="FLOAT")
    for given in ((tmp_path / "loud.wav", None), (sound * 2**15, RATE)):
        found = igsed.explain(*given, LABELS, method, toy())
        np.testing.assert_allclose(found.values, expected.values, rtol=1e-5, atol=1e-6)
        pd.testing.assert_frame_equal(found.events, expected.events)
        assert "reach 3.277e+04 times full scale" in str(found)
        assert np.abs(found.sound.at(RATE // 2).beginning(23)).max() < 1.5  # in a page, and when it is played
    assert "full scale" not in str(expected)
    assert "full scale" not in str(igsed.explain(1.1 * sound, RATE, LABELS, method, toy()))


def test_too_short_and_one_sample_are_told():
    for count in (1, 50):
        with pytest.raises(InputError, match="less than a frame"):
            igsed.explain(noise(1)[:count], RATE, model=toy())


def test_a_note_says_where_a_curve_follows_loudness():
    sound = noise(30)
    found = igsed.explain(sound, RATE, LABELS, "ig", toy())
    for row in found.likeness.itertuples():
        notes = set(found.events.loc[found.events["label"] == row.label, "note"])
        assert notes <= {results.note(row.loudness, row.random_head)}
    assert results.note(0.9, 0.1).startswith("follows loudness")
    assert results.note(0.1, 0.9).startswith("like the curve of a head that knows no class")
    assert results.note(float("nan"), 0.5) == ""
    assert found.likeness["random_head"].notna().all()
    assert igsed.explain(sound, RATE, "Cat", "ig", toy(), control=False).likeness["random_head"].isna().all()


def test_a_note_says_where_an_event_is_digital_silence():
    energy = np.concatenate([np.full(20, 1e-6), np.zeros(10)])
    found = pd.DataFrame({"label": ["a", "b", "b"], "onset": [0.0, 1.9, 2.5], "offset": [2.0, 2.1, 3.0]})
    told = results.notes(found, {"a": "like loudness", "b": ""}, energy)
    assert told[0] == "like loudness"
    assert [("digital silence" in text) for text in told] == [False, True, True]


def test_a_classifier_of_ones_own(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "from tests.toys import Toy\nfrom igsed.classifier import Classifier\nimport torch\n"
        "def net():\n    found = Classifier(Toy(), torch.nn.Linear(3, 2))\n    found.labels = ['Owl', 'Bat']\n"
        "    return found\nnone = 3\n"
    )
    found = igsed.explain(noise(3), RATE, model=f"{path}:net", labels="owl")
    assert found.explained == ["Owl"]
    for wrong in ("nothing", "none"):
        with pytest.raises(InputError, match="model"):
            models.load(f"{path}:{wrong}")
    with pytest.raises(InputError, match="no such folder"):
        models.load(tmp_path / "results")
    path.write_text(path.read_text().replace("Owl", "offset"))
    with pytest.raises(InputError, match="column"):
        models.load(f"{path}:net")


def test_importing_the_package_stays_light():
    import subprocess
    import sys

    code = "import igsed, sys, json; print(json.dumps([n for n in ('pandas', 'torch', 'numpy') if n in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_an_event_is_as_likely_as_the_likeliest_stretch_that_it_overlaps():
    found = pd.DataFrame({"label": ["a", "b", "a"], "onset": [0.0, 0.9, 2.0], "offset": [1.0, 1.1, 2.5]})
    stretches = np.array([[0.0, 1.0], [1.0, 2.0], [2.0, 2.5]])
    probabilities = np.array([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]])
    np.testing.assert_allclose(results.likelihoods(found, ["a", "b"], stretches, probabilities), [0.1, 0.4, 0.5])
    overlapping = np.array([[0.0, 1.5], [0.5, 2.0], [1.0, 2.5]])
    np.testing.assert_allclose(results.likelihoods(found, ["a", "b"], overlapping, probabilities), [0.3, 0.6, 0.5])
    scores = np.array([[0.0, 1.0, 2.0, 4.0] * 7, [5.0] * 28])
    np.testing.assert_allclose(results.heights(found, ["a", "b"], scores)[[0, 1]], [scores[0, :10].mean() / 4, 0])


def test_improbable_classes_have_no_events():
    sound, model = noise(12), toy()
    model.classifier.head.bias.data[:] = torch.tensor([-30.0, 3.0, -30.0])
    for method in ("cam", "ig"):
        found = igsed.explain(sound, RATE, LABELS, method, model)
        assert set(found.events["label"]) <= {"Dog"}
        assert set(igsed.explain(sound, RATE, LABELS, method, model, floor=0).events["label"]) == set(LABELS)
