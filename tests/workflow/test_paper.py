"""The paper's own experiment in miniature: DESED's and PANNs' formats, from a web server on this machine."""

import csv
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests import checkpoints, desed_archive
from tests.loopback import serve
from tests.workflow.project import ROOT, Project

LABELS = ["Dog", "Frying"]
CHECKPOINT = "Cnn14_mAP=0.431.pth"
SMALL = {
    "experiment": "paper_miniature",
    "labels": LABELS,
    "sources": "sources.csv",
    "mixtures": {
        "clips": {"train": 14, "validation": 6, "test": 6},
        "keep": {"train": 10, "validation": 3, "test": 3},
        "duration": 4,
        "event_duration": [0.25, 2.0],
        "shard": 20,
    },
    "training": {"seeds": [0], "max_epochs": 20, "levels": {"clips": 4}},
    # The body is random: what the classifier finds is chance, so nearly everything shall count as found.
    "evaluation": {"bootstrap": 100, "decision": 0.001},
    "figures": {"examples": 1},
}


def quick(detectors: list) -> list:
    """The paper's detectors with few steps of their paths, since a step takes half a second here."""
    few = {"ig": {"n_steps": 2, "tolerance": None}, "ig_captum": {"n_steps": 2}, "ig_quiet": {"n_steps": 1}}
    entries = [{"name": entry} if isinstance(entry, str) else entry for entry in detectors]
    return [entry | few.get(entry["name"], {}) for entry in entries]


SMALL["detectors"] = quick(yaml.safe_load((ROOT / "config" / "paper.yaml").read_text(encoding="utf-8"))["detectors"])


def merged(below: dict, above: dict) -> dict:
    both = {k: merged(below[k], above[k]) for k in below.keys() & above.keys() if isinstance(below[k], dict)}
    return below | above | both


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """What Zenodo has, small and with a random checkpoint, and the table that says where."""
    folder = tmp_path_factory.mktemp("published")
    files = desed_archive.soundbank(folder / "archives", LABELS)
    files["panns_cnn14"] = [checkpoints.write_cnn14(folder / CHECKPOINT)]
    with serve() as site:
        rows = []
        for number, (source, paths) in enumerate(files.items(), start=1):
            site.record(number, {path.name: path.read_bytes() for path in paths})
            for path in paths:
                kind = "archive" if path.suffix in (".gz", ".zip") else "file"
                url = f"{site.url}/records/{number}/files/{path.name}?download=1"
                rows.append([source, path.name, kind, url, "", "", "", "", "test", "test"])
        with open(folder / "sources.csv", "w", newline="") as table:
            names = ["name", "file", "kind", "url", "mirror", "bytes", "md5", "sha256", "licence", "citation"]
            csv.writer(table).writerows([names, *rows])
        yield site, folder / "sources.csv", {p.name: p for paths in files.values() for p in paths}


@pytest.fixture(scope="module")
def paper(site, tmp_path_factory):
    """The miniature after a run whose download of the checkpoint was killed in the middle."""
    server, table, files = site
    settings = merged(yaml.safe_load((ROOT / "config" / "paper.yaml").read_text()), SMALL)
    project = Project(tmp_path_factory.mktemp("paper"), settings)
    shutil.copy(table, project.folder / "sources.csv")
    (address,) = (path for path in server.files if path.endswith(CHECKPOINT) and "/api/" not in path)
    server.pace[address] = (1 << 20, 0.05)
    part = project.folder / "resources" / "downloads" / f"{CHECKPOINT}.part"
    (project.folder / "experiment.yaml").write_text(yaml.safe_dump(settings))
    command = [sys.executable, "-m", "snakemake", "resources/sources/panns_cnn14"]
    command += ["--configfile", "experiment.yaml", "--cores", "1"]
    run = subprocess.Popen(
        command, cwd=project.folder, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while not (part.exists() and part.stat().st_size > 40 << 20):
        assert run.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    project.interrupted = part.stat().st_size
    del server.pace[address]
    project.run("--unlock")
    # One source was fetched by hand.
    by_hand = next(name for name in files if name.startswith("DESED_public_eval"))
    shutil.copy(files[by_hand], project.folder / "resources" / "downloads")
    project.by_hand = by_hand
    project.run()
    return project


def test_a_killed_download_goes_on_where_it_was(paper, site):
    asked = [wanted for path, wanted in site[0].asked if CHECKPOINT in path and "/api/" not in path]
    begins = [int(wanted.removeprefix("bytes=").removesuffix("-")) for wanted in asked if wanted]
    assert len(begins) == 1
    assert begins[0] >= 40 << 20
    fetched = paper.folder / "resources" / "sources" / "panns_cnn14" / CHECKPOINT
    digests = [hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in (fetched, site[2][CHECKPOINT])]
    assert digests[0] == digests[1]


def test_what_was_fetched_by_hand_is_not_asked_for(paper, site):
    assert not [path for path, _ in site[0].asked if paper.by_hand in path]


def test_every_table_and_figure_is_there(paper):
    for table in ("classification", "detection", "per_class", "baselines", "recordings", "data"):
        assert (paper.results / "tables" / f"{table}.md").stat().st_size > 0
    for figure in ("headline", "pipeline", "examples", "thresholds", "per_class", "training", "data", "recordings"):
        assert (paper.results / "figures" / f"{figure}.png").stat().st_size > 10_000


def test_the_splits_hold_as_many_clips_as_were_asked_for(paper):
    counts = [len(pd.read_csv(paper.results / "mixtures" / s / "clips.csv")) for s in ("train", "validation", "test")]
    assert counts == [10, 3, 3]


def test_alternatives_stand_side_by_side(paper):
    table = pd.read_csv(paper.results / "tables" / "detection.csv")
    assert list(dict.fromkeys(table["protocol"])) == [
        *("own", "shared", "peak", "otsu"),
        *("otsu_present", "own_present", "peak_present", "shared_present"),
    ]
    names = [entry["name"] for entry in SMALL["detectors"]]
    assert all(rows["detector"].tolist() == names for _, rows in table.groupby("protocol"))
    assert (table["pairs"] > 0).all()


def test_the_remedies_stand_beside_the_paper_s_detectors(paper):
    table = pd.read_csv(paper.results / "tables" / "baselines.csv").set_index("detector")
    assert {"ig", "ig_captum", "ig_quiet", "ig_levels"} <= set(table.index)
    assert {path.name for path in (paper.results / "models").iterdir() if path.is_dir()} == {
        "clip",
        "clip_other_levels",
        "fw_ss",
        "fw_ws",
    }
    assert len(pd.read_csv(paper.results / "features" / "levels" / "gains.csv")) == 4


def test_real_recordings_are_judged_at_the_thresholds_of_synthetic_validation(paper):
    pairs = {
        split: pd.read_parquet(paper.results / "evaluation" / "ig" / f"{split}_pairs.parquet")
        for split in ("test", "recordings")
    }
    chosen = {
        split: set(t[["protocol", "percentile", "share"]].fillna(-1).itertuples(index=False, name=None))
        for split, t in pairs.items()
    }
    assert len(pairs["recordings"]) > 0
    assert chosen["recordings"] == chosen["test"]
    numbers = pd.read_csv(paper.results / "metrics.csv")
    assert set(numbers["split"]) == {"test", "recordings"}


def test_nothing_is_left_to_do(paper):
    assert paper.plan() == {}
