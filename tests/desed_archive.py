"""Tiny copies of what DESED's sources publish: the same names, folders, tables and odd files, with noise as sound.

Layout of the soundbank: github turpaultn/DESED (`desed/download.py`, `tests/material/utils/soundbank_validation.tsv`).
"""

import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import soundfile

SINS, TUT = "DCASE2018-task5-dev", "TUT-acoustic-scenes-2017-development"
SUFFIXES = ("_nOn", "_nOff", "_nOn_nOff")
LONG = ("Frying", "Vacuum_cleaner")
"""Classes of which there are recordings without onset or offset; where none is asked for, the last that is."""


class _Noise:
    """Writes noise, other noise each time, and counts freesound ids."""

    def __init__(self, seed: int) -> None:
        self.rng, self.number = np.random.default_rng(seed), 20000

    def id(self) -> int:
        self.number += 7
        return self.number

    def __call__(self, path: Path, seconds: float, rate: int = 44100, channels: int = 1, subtype="PCM_16") -> str:
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = self.rng.standard_normal((round(seconds * rate), channels))
        swing = 0.55 + 0.45 * np.sin(2 * np.pi * self.rng.uniform(1, 9) * np.arange(len(noise)) / rate)
        soundfile.write(path, 0.08 * noise * swing[:, None], rate, subtype=subtype)
        return path.name


def _junk(path: Path) -> None:
    """The file that macOS puts beside another in an archive."""
    path.with_name(f"._{path.name}").write_bytes(b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        " + bytes(64))


def desed(folder: Path, labels: Iterable[str], seed: int = 0) -> list[str]:
    """The content of `DESED_synth_soundbank.tar.gz`; returns the foregrounds for the official validation list.

    Per label in training three sources, one of them in two segments, in evaluation two; per suffix, where a label has
    them, one in each, of 10.5 s for `_nOn_nOff`.
    """
    noise, listed = _Noise(seed), []
    labels = list(labels)
    suffixed = [label for label in labels if label in LONG] or labels[-1:]
    licensed: dict[str, list[str]] = {"train": [], "eval": []}
    for part in ("train", "eval"):
        bank = folder / "audio" / part / "soundbank"
        for label in labels:
            first, second, third = (noise.id() for _ in range(3))
            names = [f"{label}/{first}_0", f"{label}/{first}_1", f"{label}/{second}"]
            if part == "train":
                names.append(f"{label}/{third}")
                listed.append(f"audio/validation/soundbank/foreground/{label}/{third}.wav")
            names += [f"{label}{suffix}/{noise.id()}" for suffix in SUFFIXES if label in suffixed]
            for name in names:
                path = bank / "foreground" / f"{name}.wav"
                noise(path, 10.5 if "_nOn_nOff" in name else noise.rng.uniform(0.3, 1.2))
                _junk(path)
                which = "eval" if part == "eval" else "training"
                licensed[part].append(f"../{which}/soundbank/foreground/{name}.wav\t{path.stem.split('_')[0]}\tCC0 1.0")
    background = folder / "audio" / "eval" / "soundbank" / "background"
    for _ in range(2):
        for name in (f"freesound/{noise.id()}", f"youtube/Y{noise.id()}abc_30.000_40.000"):
            noise(background / f"{name}.wav", 3)
            _junk(background / f"{name}.wav")
    for part, table in (("train", "license_training.tsv"), ("eval", "license_eval.tsv")):
        (folder / table).write_text("\n".join(["filename\tid\tlicense", *licensed[part]]) + "\n", encoding="utf-8")
        _junk(folder / table)
    return listed


def sins(folder: Path, seed: int = 0) -> list[str]:
    """The content of SINS' archives (four sessions of "other", heard by four nodes at 16 kHz in four channels).

    Returns the backgrounds for the official validation list.
    """
    noise, lines = _Noise(seed + 1), []
    for session, label in (("ex85", "other"), ("ex101", "other"), ("ex102", "other"), ("ex1", "cooking")):
        for node in range(1, 5):
            name = f"DevNode{node}_{session}_1.wav"
            noise(folder / SINS / "audio" / name, 2, 16000, channels=4)
            lines.append(f"audio/{name}\t{label}\t{session}")
    (folder / SINS / "meta.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [f"audio/validation/soundbank/background/sins/DevNode{node}_ex85_1.wav" for node in range(1, 5)]


def tut(folder: Path, seed: int = 0) -> list[str]:
    """The content of TUT acoustic scenes 2017's archives (44.1 kHz, 24 bit, two channels).

    Returns the backgrounds for the official validation list.
    """
    noise, lines = _Noise(seed + 2), []
    for place, label in (("b113", "home"), ("b020", "beach"), ("b041", "office"), ("b072", "library")):
        for start in (0, 10):
            name = f"{place}_{start}_{start + 10}.wav"
            noise(folder / TUT / "audio" / name, 1, channels=2, subtype="PCM_24")
            lines.append(f"audio/{name}\t{label}\t{place}")
    (folder / TUT / "meta.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [
        f"audio/validation/soundbank/background/tut-scenes-2017-dev/b113_{start}_{start + 10}.wav" for start in (0, 10)
    ]


def public_eval(folder: Path, labels: Iterable[str], seed: int = 0) -> None:
    """The content of `DESED_public_eval.tar.gz`: 10 s clips, a shorter one of six channels, one without events."""
    noise, label = _Noise(seed + 3), next(iter(labels))
    names = [f"Y{k}xAbC-_{k}_{k}0.000_{k + 1}0.000.wav" for k in range(1, 5)]
    audio = folder / "dataset" / "audio" / "eval" / "public"
    for name, (seconds, rate, channels) in zip(
        names, ((10, 44100, 1), (4, 44100, 6), (12, 16000, 1), (10, 22050, 2)), strict=True
    ):
        noise(audio / name, seconds, rate, channels)
        _junk(audio / name)
    rows = ["filename\tonset\toffset\tevent_label"]
    rows += [f"{name}\t0.500\t{2.5 + k:.3f}\t{label}" for k, name in enumerate(names[:2])]
    rows += [f"{names[2]}\t9.500\t11.250\t{label}", f"{names[2]}\t1.000\t2.000\tMusic", f"{names[3]}\t\t\t"]
    metadata = folder / "dataset" / "metadata" / "eval" / "public.tsv"
    metadata.parent.mkdir(parents=True)
    metadata.write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / "license_public_eval.tsv").write_text("filename\tlicense\n", encoding="utf-8")
    _junk(folder / "license_public_eval.tsv")


def unpacked(folder: Path, labels: Iterable[str], seed: int = 0) -> dict[str, Path]:
    """The sources by name, as the workflow has them after unpacking; the validation list lies in `desed_soundbank`."""
    labels = list(labels)
    sources = {name: folder / name for name in ("desed_soundbank", "sins", "tut_scenes_2017", "desed_public_eval")}
    listed = desed(sources["desed_soundbank"], labels, seed)
    listed += sins(sources["sins"], seed) + tut(sources["tut_scenes_2017"], seed)
    public_eval(sources["desed_public_eval"], labels, seed)
    text = "\n".join(["filepath", *listed]) + "\n"
    (sources["desed_soundbank"] / "soundbank_validation.tsv").write_text(text, encoding="utf-8")
    return sources


def soundbank(folder: Path, labels: Iterable[str], seed: int = 0) -> dict[str, list[Path]]:
    """Writes the files that the records publish, under their names, into `folder`; source → its files, in order."""
    trees, archives = unpacked(folder / "trees", labels, seed), folder
    listed = archives / "soundbank_validation.tsv"
    (trees["desed_soundbank"] / listed.name).rename(listed)
    return {
        "desed_soundbank": [_tar(archives / "DESED_synth_soundbank.tar.gz", trees["desed_soundbank"]), listed],
        "sins": _zips(archives, trees["sins"], SINS),
        "tut_scenes_2017": _zips(archives, trees["tut_scenes_2017"], TUT),
        "desed_public_eval": [_tar(archives / "DESED_public_eval.tar.gz", trees["desed_public_eval"])],
    }


def _tar(path: Path, tree: Path) -> Path:
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for child in sorted(tree.iterdir()):
            archive.add(child, child.name)
    return path


def _zips(folder: Path, tree: Path, name: str) -> list[Path]:
    """The meta archive and two of sounds."""
    sounds = sorted((tree / name / "audio").iterdir())
    parts = {"meta": [tree / name / "meta.txt"], "audio.1": sounds[::2], "audio.2": sounds[1::2]}
    made = []
    for part, files in parts.items():
        made.append(folder / f"{name}.{part}.zip")
        with zipfile.ZipFile(made[-1], "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for path in files:
                archive.write(path, path.relative_to(tree))
    return made
