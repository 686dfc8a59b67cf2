"""`igsed explain`: what it shows, writes, passes over and refuses."""

import errno
import io
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile

import igsed
from igsed import __main__ as main
from igsed import backbones
from igsed.commands.explain import FORMATS
from igsed.explaining import command, folders, formats
from tests.disks import disk

MODEL = """
import time, torch
from igsed.classifier import Classifier
from toys import Toy

def net():
    head = torch.nn.Linear(3, 3)
    head.load_state_dict({"weight": torch.eye(3), "bias": torch.ones(3)})
    found = Classifier(Toy(), head)
    found.labels = ["Cat", "Dog", "Speech"]
    return found

def slow(classifier, waveform, targets, seconds=2.0):
    time.sleep(seconds)
    return torch.rand(len(targets), int(len(waveform) / classifier.sample_rate * 10 + 1e-6))
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder of four recordings, beside a model; the current folder."""
    (tmp_path / "model.py").write_text(MODEL)
    shutil.copy(Path(__file__).parents[1] / "toys.py", tmp_path)
    for name in ("a.wav", "b.flac", "sub/a.wav", "sub/it's <b> $x_1$.wav"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        sound = 0.1 * np.random.default_rng(len(name)).uniform(-1, 1, (3100, 2))
        soundfile.write(path, sound, 1000)
    (tmp_path / "in" / ".hidden.wav").write_text("no sound")
    (tmp_path / "in" / "notes.txt").write_text("no sound")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def explain(*arguments):
    return main.main(["explain", *map(str, arguments), "--model", "model.py:net"])


def written(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.name[0] != ".")


def test_one_file_is_told_and_nothing_written(place, capsys):
    before = sorted(place.rglob("*"))
    assert explain("in/a.wav", "--label", "dog") == 0
    shown = capsys.readouterr().out
    assert "Dog" in shown
    assert "Cat" not in shown
    assert "Average precision" in shown
    assert sorted(path for path in place.rglob("*") if "__pycache__" not in str(path)) == before


def test_it_ends_with_what_to_open(place, capsys):
    """The page before the picture; else the files themselves, of many recordings one of them."""

    def last(*arguments):
        assert explain(*arguments, "--out", "out") == 0
        return capsys.readouterr().out.splitlines()[-1]

    assert last("in/a.wav") == "Open out/a.html"
    assert last("in/a.wav") == "Open out/a.html"  # explained before
    assert last("in/a.wav", "--format", "png", "--format", "json") == "Open out/a.png"
    assert last("in/a.wav", "--format", "desed", "--format", "json") == "Written: out/a.tsv, out/a.json"
    assert last("in") == "Open out/a.html, and 3 more in out"
    several = last("in", "--format", "desed", "--format", "json")
    assert several == "Written: 8 files in out, such as out/a.tsv"


def test_what_no_recording_can_be_explained_with_is_told_before_any(place, capsys):
    assert explain("in", "--method", "fw_ws") == 1
    told = capsys.readouterr().err
    assert told.startswith("ERROR: method 'fw_ws': learns from clips")
    assert len(told.splitlines()) == 1


def test_a_folder_is_explained_once(place, capsys):
    assert explain("in", "--format", "audacity", "--format", "json", "--out", "out") == 0
    names = ["a", "b", "sub/a", "sub/it's <b> $x_1$"]
    assert written(place / "out") == sorted(f"{name}{ending}" for name in names for ending in (".txt", ".json"))
    times = {path: path.stat().st_mtime_ns for path in (place / "out").rglob("*") if path.is_file()}
    capsys.readouterr()
    assert explain("in", "--format", "audacity", "--format", "json", "--out", "out") == 0
    assert "4 of 4 recordings had been explained before" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in times} == times
    # what is missing is made again, and only that
    (place / "out" / "b.json").unlink()
    assert explain("in", "--format", "audacity", "--format", "json", "--out", "out") == 0
    assert {path for path in times if path.stat().st_mtime_ns != times[path]} == {
        place / "out" / "b.json",
        place / "out" / "b.txt",
        place / "out" / ".b.explained",
    }
    # a further format is made beside what is there
    assert explain("in", "--format", "desed", "--out", "out") == 0
    assert len(written(place / "out")) == 12


def test_nothing_is_overwritten_without_force(place, capsys):
    (place / "out").mkdir()
    (place / "out" / "a.txt").write_text("mine")
    assert explain("in/a.wav", "--format", "audacity", "--out", "out") == 1
    assert "--force" in capsys.readouterr().err
    assert (place / "out" / "a.txt").read_text() == "mine"
    assert explain("in/a.wav", "--format", "audacity", "--out", "out", "--force") == 0
    first = (place / "out" / "a.txt").read_text()
    assert first != "mine"
    # made otherwise
    assert explain("in/a.wav", "--format", "audacity", "--out", "out", "--threshold", "0.1") == 1
    assert (place / "out" / "a.txt").read_text() == first


def test_other_weights_are_another_model(place, capsys):
    arguments = ("in/a.wav", "--format", "json", "--out", "out")
    assert explain(*arguments) == 0
    first = (place / "out" / "a.json").read_text()
    text = (place / "model.py").read_text()
    (place / "model.py").write_text(text.replace("torch.ones(3)", "torch.full((3,), 2.0)"))
    capsys.readouterr()
    assert explain(*arguments) == 1
    assert "otherwise" in capsys.readouterr().err
    assert explain(*arguments, "--force") == 0
    assert (place / "out" / "a.json").read_text() != first
    # code around the same weights is the same model
    (place / "model.py").write_text((place / "model.py").read_text() + "# a comment\n")
    assert explain(*arguments) == 0
    assert "explained before" in capsys.readouterr().out


def test_one_that_fails_stops_no_other(place, capsys):
    soundfile.write(place / "in" / "silent.wav", np.zeros(3000), 1000)
    soundfile.write(place / "in" / "one.wav", np.ones(1), 1000)
    sound = np.random.default_rng(0).uniform(-1, 1, 3000).astype(np.float32)
    sound[1500] = np.nan
    soundfile.write(place / "in" / "nan.wav", sound, 1000, subtype="FLOAT")
    (place / "in" / "text.wav").write_text("these are words")
    (place / "in" / "empty.wav").write_text("")
    assert explain("in", "--format", "audacity", "--out", "out") == 1
    told = capsys.readouterr().err
    for name, reason in (
        ("silent", "nothing sounds"),
        ("one", "less than a frame"),
        ("nan", "not finite"),
        ("text", "cannot be read as audio"),
        ("empty", "empty"),
    ):
        assert any(f"{name}.wav" in line and reason in line for line in told.splitlines()), name
    assert "5 of 9 recordings could not be explained" in told
    assert len(written(place / "out")) == 4
    assert not list((place / "out").rglob(".part-*"))


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["nowhere.wav"], "no such file"),
        (["in/a.wav", "--label", "Dgo"], "Did you mean 'Dog'"),
        (["in/a.wav", "--label", "Dgo"], "There are Cat, Dog, Speech."),
        (["in/a.wav", "--label", "dog, Cat"], "Name each of these 2 classes by itself: --label dog --label Cat."),
        (["in/a.wav", "--out", "in/notes.txt"], "notes.txt: is a file"),
        (["in/a.wav", "--out", "in/notes.txt/out"], "notes.txt: is a file"),
        (["in/a.wav", "--method", "camm"], "(did you mean 'cam'?). Use cam, "),
        (["in/a.wav", "--method", "ig", "--set", "n_step=3"], "n_steps"),
        (["in/a.wav", "--set", "3"], "KEY=VALUE"),
        (["in/a.wav", "--set", "gap=3"], "option of that name"),
        (["in/a.wav", "--floor", "1.5"], "floor"),
        (["in/a.wav", "--format", "doc"], "audacity"),
        (["in/a.wav", "--threshold", "high"], "otsu"),
        (["in/a.wav", "--jobs", "0"], "--jobs"),
        (["in/a.wav", "--seed", "1"], "only the heads of an experiment"),
        ([], "no recording"),
        ([Path("in/.hidden.wav").parent / "sub" / ".."], None),
    ],
)
def test_what_cannot_be_is_told(place, capsys, arguments, problem):
    assert explain(*arguments) == (1 if problem else 0)
    assert problem is None or problem in capsys.readouterr().err


def test_a_folder_that_cannot_be_searched_is_told(place, capsys, monkeypatch):
    """Its recordings would be missing without a word. Root may search all, so what the system says is made up."""
    scan = os.scandir

    def refused(folder):
        if Path(folder).name == "sub":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(folder))
        return scan(folder)

    monkeypatch.setattr(os, "scandir", refused)
    assert explain("in") == 1
    assert "sub: cannot be searched (Permission denied)" in capsys.readouterr().err


def test_labels_are_listed(place, capsys):
    assert explain("--labels") == 0
    assert capsys.readouterr().out.split() == ["Cat", "Dog", "Speech"]


def test_recordings_of_one_name_keep_their_endings(place):
    soundfile.write(place / "in" / "b.wav", 0.1 * np.random.default_rng(0).uniform(-1, 1, 3000), 1000)
    names = [task.output.name for task in folders.tasks([place / "in"], place / "out")]
    assert names == ["a", "b.flac", "b.wav", "a", "it's <b> $x_1$"]


@pytest.mark.parametrize("more", [("b.wav", "b.flac.ogg", "b.wav.wav"), ("b.scores.wav",), ("b.selections.wav",)])
def test_no_recording_can_write_over_another(place, more):
    """Whatever formats are asked for, each recording has outputs and a record of its own."""
    for name in more:
        shutil.copy(place / "in" / "a.wav", place / "in" / name)
    tasks = folders.tasks([place / "in"], place / "out")
    assert len(tasks) == 4 + len(more)
    made = [path for task in tasks for path in (*folders.outputs(task.output, FORMATS), folders._record(task.output))]
    assert len(made) == len(set(made))
    assert explain("in", "--format", "desed", "--format", "scores", "--format", "raven", "--out", "out") == 0


def test_names_may_be_long_or_no_text(place, capsys, monkeypatch):
    """Whatever a file is called: outputs are in UTF-8, and a terminal gets no bytes that it would obey."""
    names = [b"x" * 240 + b".wav", b"dog\xff\xfe.wav", "犬\N{DOG}.wav".encode(), b"a\nb\x1b[2J.wav", b"-x.wav"]
    (place / "odd").mkdir()
    for name in names:
        shutil.copy(place / "in" / "a.wav", os.path.join(os.fsencode(place / "odd"), name))
    strict = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    monkeypatch.setattr(sys, "stdout", strict)
    assert explain("odd", "--out", "out", *(word for name in FORMATS for word in ("--format", name))) == 0
    shown = strict.buffer.getvalue().decode()
    assert "\x1b" not in shown
    assert r"a\nb\x1b[2J (" in shown
    made = [path for path in (place / "out").iterdir() if path.name[0] != "."]
    assert len(made) == len(names) * len(FORMATS)
    for path in made:
        if path.suffix != ".png":
            path.read_text(encoding="utf-8")
    assert "Glyph" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "problem"), [("x" * 300 + ".wav", "no such file"), ("pipe.wav", "pipe"), ("x" * 251 + ".wav", "Shorten")]
)
def test_files_that_are_none_are_refused(place, capsys, name, problem):
    os.mkfifo(place / "pipe.wav")
    if "Shorten" in problem:
        shutil.copy(place / "in" / "a.wav", place / name)
    assert explain(name, "--format", "raven", "--out", "out") == 1
    assert problem in capsys.readouterr().err
    assert not written(place / "out")


def test_an_unforeseen_error_stops_no_other(place, capsys):
    (place / "moody.py").write_text("""
import torch

def moody(classifier, waveform, targets):
    if len(waveform) > 3500:
        raise ZeroDivisionError("too long for me")
    return torch.rand(len(targets), int(len(waveform) / classifier.sample_rate * 10 + 1e-6))
""")
    soundfile.write(place / "in" / "b.flac", np.random.default_rng(0).uniform(-1, 1, 4000), 1000)
    assert explain("in", "--format", "json", "--out", "out", "--method", "moody:moody", "--no-control") == 1
    told = capsys.readouterr().err
    assert "b.flac: ZeroDivisionError: too long for me (" in told
    assert "moody.py, line" in told
    assert len(written(place / "out")) == 3


def test_a_process_that_is_ended_is_told(place, capsys):
    (place / "fatal.py").write_text("""
import os

def fatal(classifier, waveform, targets):
    os._exit(9)
""")
    arguments = ("--format", "json", "--out", "out", "--method", "fatal:fatal", "--no-control", "--jobs", "2")
    assert explain("in", *arguments) == 1
    told = capsys.readouterr().err
    assert "4 of 4 recordings could not be explained" in told
    assert "fewer --jobs" in told


def test_calls_at_once_write_whole_files(place):
    """Several calls that write the same outputs, and one whose outputs others take away: all end well."""
    command = [sys.executable, "-m", "igsed", "explain", "in", "--model", "model.py:net", "--out", "out"]
    command += ["--format", "audacity", "--format", "json"]
    environment = os.environ | {"PYTHONPATH": str(Path(igsed.__file__).parents[1])}
    calls = [
        subprocess.Popen(command, cwd=place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    assert [(call.communicate()[1][-300:], call.returncode)[1] for call in calls] == [0, 0, 0]
    assert len(written(place / "out")) == 8
    assert explain("in", "--format", "json", "--out", "alone") == 0
    for name in written(place / "alone"):
        assert (place / "alone" / name).read_bytes() == (place / "out" / name).read_bytes()
    assert not list((place / "out").rglob(".part-*"))


@pytest.mark.parametrize(("size", "options", "problem"), [("40k", "rw", "Free some space"), ("1m", "ro", "writable")])
def test_a_disk_that_takes_nothing_is_told_and_left_clean(place, capsys, size, options, problem):
    with disk(place / "disk", size) as remount:
        remount(options)
        assert explain("in", "--format", "json", "--format", "html", "--out", "disk/out") == 1
        assert problem in capsys.readouterr().err
        assert not list((place / "disk").rglob(".part-*"))
        for path in (place / "disk").rglob("*.json"):
            json.loads(path.read_text(encoding="utf-8"))


def test_only_one_at_a_time_has_the_scratch_folder(tmp_path):
    """And what a killed one left in it is no part of the next one's outputs."""
    (tmp_path / folders._scratch_of(tmp_path / "a").name).mkdir()
    (folders._scratch_of(tmp_path / "a") / "left").write_text("half")
    inside, most = [], []

    def work():
        for _ in range(30):
            with folders._scratch(tmp_path / "a") as scratch:
                inside.append(1)
                most.append(len(inside))
                assert not list(scratch.iterdir())
                (scratch / "new").write_text("new")
                time.sleep(0.001)
                inside.pop()

    with ThreadPoolExecutor(6) as pool:
        for future in [pool.submit(work) for _ in range(6)]:
            future.result()
    assert max(most) == 1
    assert not list(tmp_path.iterdir())


def test_no_network_on_first_use_is_told_once(place, capsys, monkeypatch):
    """With what to fetch by hand and where to put it; nothing is left that the next call could take for weights."""
    monkeypatch.setattr(backbones, "_home", lambda: place / "cache")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (
        ("PIP_INDEX_URL", "http://127.0.0.1:9/simple"),
        ("PIP_RETRIES", "0"),
        ("PIP_NO_CACHE_DIR", "1"),
    ):
        monkeypatch.setenv(name, value)
    assert main.main(["explain", "in", "--out", "out"]) == 1
    told = capsys.readouterr().err
    assert "fetched once, into" in told
    assert told.count("ERROR") == 1
    assert "by hand as" in told
    assert not list(place.rglob("*.safetensors"))
    assert not (place / "out").exists()


def test_several_at_a_time_write_the_same(place):
    assert explain("in", "--format", "json", "--out", "one") == 0
    assert explain("in", "--format", "json", "--out", "two", "--jobs", "2") == 0
    assert written(place / "one") == written(place / "two")
    for name in written(place / "one"):
        assert (place / "one" / name).read_bytes() == (place / "two" / name).read_bytes()
    assert not multiprocessing.active_children()


def test_a_kill_leaves_whole_files_and_the_next_call_goes_on(place):
    command = [sys.executable, "-m", "igsed", "explain", "in", "--model", "model.py:net", "--out", "out"]
    command += ["--format", "audacity", "--method", "model:slow", "--no-control"]
    environment = os.environ | {"PYTHONPATH": str(Path(igsed.__file__).parents[1])}
    with subprocess.Popen(command, cwd=place, env=environment, stderr=subprocess.DEVNULL) as process:
        until = time.monotonic() + 60
        while not written(place / "out") and time.monotonic() < until:
            time.sleep(0.1)
        process.send_signal(signal.SIGKILL)
    before = {path: path.stat().st_mtime_ns for path in map((place / "out").joinpath, written(place / "out"))}
    assert 0 < len(before) < 4
    command[-1:] = ["--no-control"]
    assert subprocess.run(command, cwd=place, env=environment, check=False, capture_output=True).returncode == 0
    assert len(written(place / "out")) == 4
    assert not list((place / "out").rglob(".part-*"))
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_the_picture_is_drawn(place):
    pytest.importorskip("matplotlib")
    assert explain("in/sub", "--out", "out") == 0
    # labels, picture and page
    assert written(place / "out") == sorted(
        f"{name}{ending}" for name in ("a", "it's <b> $x_1$") for ending in (".html", ".png", ".txt")
    )
    pictures = sorted((place / "out").glob("*.png"))
    assert [path.name for path in pictures] == ["a.png", "it's <b> $x_1$.png"]
    assert all(path.read_bytes()[:4] == b"\x89PNG" for path in pictures)


def test_settings_are_numbers_or_words():
    given = ["a=3", "b=0.5", "c=true", "d=null", "e=quiet_second", "f=[1, 2]"]
    assert command._settings(given) == {"a": 3, "b": 0.5, "c": True, "d": None, "e": "quiet_second", "f": [1, 2]}


def test_the_help_names_every_format():
    assert tuple(formats.FORMATS) == FORMATS
