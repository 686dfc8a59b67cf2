"""A soundbank, recordings and a network that lie outside the package and are named as `module:name`."""

import importlib
import sys

import pytest
import soundfile
import torch
import yaml
from safetensors.torch import save_file

from igsed import backbones, config, forecast, preflight, recordings, soundbanks
from igsed.config import experiment, pages
from igsed.errors import InputError, Problems
from tests.test_pages import ROOT
from tests.toys import recording

BANK = '''
"""Beeps, made by the kind itself."""

from pydantic import Field

from igsed.settings import Count
from igsed.soundbanks import Kind, Settings, soundbank
from tests.toys import recording


class Beeps(Settings):
    """Beeps of the user's own."""

    number: Count = Field(description="recordings of each label")


class BeepKind(Kind):
    def classes(self, settings):
        return ["Dog", "Cat", "Unheard_of"]

    def recipe(self, settings, labels, seed, sample_rate):
        return {"number": settings.number, "labels": list(labels)}

    def make(self, folder, downloads, progress, number, labels):
        for part in ("train", "eval"):
            for k, name in enumerate(progress([*(f"foreground/{x}" for x in labels), "background/room"])):
                for j in range(number):
                    path = folder / "audio" / part / "soundbank" / name / f"{part}{k}{j}.wav"
                    recording(path, seconds=0.5, rate=8000, seed=100 * len(part) + 10 * k + j)

    def index(self, places, labels, settings, progress=iter):
        return soundbank.index(places[self.name], labels, settings.validation_share, progress=progress)

    def count(self, settings, labels):
        return 2 * settings.number * (len(labels) + 1)


KIND = BeepKind(name="beeps", title="beeps", settings=Beeps, makes=True)
'''

REAL = '''
"""Recordings that lie in one folder, with their annotation."""

from pathlib import Path

from igsed.recordings import Kind, Settings


class OneFolder(Settings):
    """One folder."""

    place: str


class OneFolderKind(Kind):
    def find(self, settings, fetched):
        return settings.place, Path(settings.place, "events.tsv")

    def count(self, settings, window):
        return 7


KIND = OneFolderKind(name="one_folder", title="one folder", settings=OneFolder)
'''

NETWORK = '''
"""A tiny network: the declaration."""

from pydantic import Field

from igsed.backbones import Network
from igsed.settings import Count, Section


class Settings(Section):
    """A tiny network."""

    weights: str = Field(description="its file")
    factor: Count = Field(1, description="what channels are multiplied with")


TINY = Network(
    name="tiny", title="Tiny", settings=Settings, network="tiny_network.code:Tiny", file="tiny.safetensors"
)
'''

CODE = """
import torch
from safetensors.torch import load_file
from torch import nn


class Tiny(nn.Module):
    sample_rate, embedding = 8000, 3

    def __init__(self, factor=1):
        super().__init__()
        self.linear, self.factor = nn.Linear(4, 3), factor

    @classmethod
    def from_file(cls, path, factor=1):
        network = cls(factor)
        network.load_state_dict(load_file(path))
        return network

    def spectrum(self, waveform):
        return waveform.unfold(-1, 800, 800).reshape(len(waveform), -1, 4, 200).square().mean(-1)

    def body(self, spectrum):
        return self.factor * self.linear(spectrum)

    def project(self, channels):
        return channels

    def frame_times(self, samples):
        return 0.05 + 0.1 * torch.arange(samples // 800, dtype=torch.float64)
"""


@pytest.fixture
def outside(tmp_path, monkeypatch):
    """A folder on the path with the modules above, and the weights of the tiny network."""
    folder = tmp_path / "mine"
    (folder / "tiny_network").mkdir(parents=True)
    for name, text in {
        "beep_bank.py": BANK,
        "one_folder.py": REAL,
        "tiny_network/__init__.py": NETWORK,
        "tiny_network/code.py": CODE,
    }.items():
        (folder / name).write_text(text)
    monkeypatch.syspath_prepend(folder)
    known = set(sys.modules)
    save_file({"linear.weight": torch.eye(3, 4), "linear.bias": torch.ones(3)}, folder / "weights.safetensors")
    yield folder
    for choice in (experiment.SOUNDBANK, experiment.RECORDINGS, experiment.BACKBONE):
        choice.model.cache_clear()
    for name in set(sys.modules) - known:
        if name.partition(".")[0] in ("beep_bank", "one_folder", "tiny_network"):
            del sys.modules[name]
    importlib.invalidate_caches()


def load(**sections):
    values = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    return config.load(values | {"sources": str(ROOT / "config" / "sources.csv")} | sections)


def test_a_soundbank_of_ones_own_is_checked_made_and_indexed(outside, tmp_path):
    chosen = load(soundbank={"kind": "beep_bank:KIND", "number": 2})
    assert chosen.classes == ["Cat", "Dog"]
    assert config.load(chosen.model_dump(mode="json")) == chosen
    assert forecast.inputs_of(chosen, tmp_path).recordings == 2 * 2 * 3
    assert preflight.problems(chosen, tmp_path) == []
    with pytest.raises(InputError, match=r"soundbank\.nmber: unknown key \(did you mean 'number'\?\)"):
        load(soundbank={"kind": "beep_bank:KIND", "number": 2, "nmber": 3})
    with pytest.raises(InputError, match=r"soundbank\.number: missing. Add this key: recordings of each label"):
        load(soundbank={"kind": "beep_bank:KIND"})
    kind, settings = soundbanks.KINDS.find("beep_bank:KIND"), chosen.soundbank
    kind.make(tmp_path / "bank", tmp_path, iter, **kind.recipe(settings, chosen.classes, 1, 8000))
    table = kind.index({"beeps": tmp_path / "bank"}, chosen.classes, settings)
    assert len(table) == 2 * 2 * 3
    assert set(table["split"]) == {"train", "validation", "test"}
    assert kind.promise({}, chosen.classes, settings, Problems()) is None
    assert kind.sentence(settings) == "beeps"


def test_its_keys_are_described_as_on_the_page(outside):
    page = pages.component_markdown(experiment.SOUNDBANK, "soundbank", "beep_bank:KIND")
    assert "Beeps of the user's own." in page
    assert "| `number` | whole number | required | recordings of each label | ≥ 1 |" in page


def test_recordings_of_ones_own_are_checked_and_found(outside, tmp_path):
    recording(tmp_path / "real" / "a.wav", seconds=1, rate=8000)
    (tmp_path / "real" / "events.tsv").write_text("filename\tonset\toffset\tevent_label\na.wav\t0.1\t0.5\tDog\n")
    section = {"kind": "one_folder:KIND", "place": str(tmp_path / "real")}
    chosen = load(recordings=section)
    assert preflight.problems(chosen, tmp_path) == []
    assert forecast.inputs_of(chosen, tmp_path).real_clips == 7
    kind = recordings.KINDS.find("one_folder:KIND")
    source = recordings.Source(*kind.find(chosen.recordings, None))
    split = recordings.make(source, ["Dog"], recordings.Form(8000, 2), tmp_path / "out", "out")
    assert list(split.events["event_label"]) == ["Dog"]
    assert soundfile.info(tmp_path / "out" / "recordings_00000.flac").duration == 2
    told = preflight.problems(load(recordings=section | {"place": "nowhere"}), tmp_path)
    assert told
    assert all("nowhere" in text for text in told)


def test_a_network_of_ones_own_is_checked_and_loaded(outside, tmp_path):
    weights = outside / "weights.safetensors"
    chosen = load(backbone={"name": "tiny_network:TINY", "weights": str(weights), "factor": 2})
    network = backbones.load(**chosen.backbone.model_dump())
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert torch.equal(network.body(network.spectrum(torch.zeros(1, 8000))), torch.full((1, 10, 3), 2.0))
    with pytest.raises(InputError, match=r"backbone\.weights: missing. Add this key: its file"):
        load(backbone={"name": "tiny_network:TINY"})
    assert preflight.problems(chosen, tmp_path) == []
    absent = load(backbone={"name": "tiny_network:TINY", "weights": "absent"})
    assert preflight.problems(absent, tmp_path) == ["absent: there is no such file. Correct the key backbone.weights."]


def test_weights_of_ones_own_lie_among_the_results(outside, tmp_path):
    weights = outside / "weights.safetensors"
    settings = load(backbone={"name": "tiny_network:TINY", "weights": str(weights)}).backbone
    assert settings.component.place(settings, "results/x", "resources") == "results/x/backbone/tiny.safetensors"
    settings.component.provide(tmp_path / "copy", str(weights), None, tmp_path)
    assert (tmp_path / "copy").read_bytes() == weights.read_bytes()
    published = load().backbone
    assert published.component.place(published, "results/x", "resources") == "resources/yamnet/yamnet.safetensors"


def test_a_network_without_any_weights_is_refused():
    with pytest.raises(ValueError, match="must require weights"):
        backbones.Network(name="none", title="None", network="a:b", file="none.pth")


def test_a_source_with_other_files_than_the_weights_is_refused(tmp_path):
    for name in ("a.pth", "b.pth"):
        (tmp_path / name).touch()
    with pytest.raises(InputError, match=r"holds 2 files \*\.pth instead of the one"):
        backbones.NETWORKS.find("cnn14").provide(tmp_path / "out", None, tmp_path, tmp_path)


def test_a_module_that_fails_is_told(tmp_path, monkeypatch):
    (tmp_path / "failing_bank.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        InputError, match=r"soundbank\.kind: soundbank 'failing_bank:KIND': .*ZeroDivisionError: division by zero"
    ):
        load(soundbank={"kind": "failing_bank:KIND"})
