"""`igsed verify`: results as the workflow made them, and everything that can be wrong with them."""

import hashlib
import json
import shutil
import subprocess
import sys

import pytest

from igsed import __main__
from igsed.errors import InputError
from igsed.jobs import integrity, provenance, verify


def record(output):
    integrity.record_of(output).write_text(integrity.describe(output, output.name))


@pytest.fixture
def results(tmp_path, monkeypatch):
    """An experiment's results: a model, a folder of clips, a table, a manifest; and weights beside them."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "results" / "mine"
    for path in ("models/seed0.safetensors", "audio/a.flac", "audio/b.flac", "tables/detection.csv"):
        (folder / path).parent.mkdir(exist_ok=True, parents=True)
        (folder / path).write_text(path)
    (tmp_path / "resources").mkdir()
    (tmp_path / "resources" / "net.safetensors").write_text("weights")
    for path in ("models/seed0.safetensors", "audio", "tables/detection.csv"):
        record(folder / path)
    (folder / "config.yaml").write_text("experiment: mine\ntraining: {seeds: [0]}\nsnr: [15, 25]\n")
    record(folder / "config.yaml")
    manifest = {
        "experiment": "mine",
        "config": {"experiment": "mine", "training": {"seeds": [0]}, "snr": [15, 25]},
        "records": provenance.records("results/mine"),
        "inputs": provenance.digests(["resources/net.safetensors", "results/mine/audio"]),
        "outputs": provenance.digests(["results/mine/tables/detection.csv"]),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    record(folder / "manifest.json")
    return folder


def found(folder):
    return [(str(p.path.relative_to(folder)), p.what) for p in verify.verify(folder).problems]


def test_whole_results_pass(results, capsys):
    assert __main__.main(["verify", "results/mine"]) == 0
    assert capsys.readouterr().out == "results/mine: 7 files are as the workflow made them.\n"


@pytest.mark.parametrize(
    ("path", "content", "what"),
    [
        ("models/seed0.safetensors", b"", "changed"),
        ("audio/a.flac", b"audio/a.flbc", "changed"),
        ("audio/a.flac", None, "missing"),
        ("audio/c.flac", b"c", "unexpected"),
        ("tables/detection.csv", b"1", "changed"),
        ("manifest.json", b"{}", "changed"),
        ("manifest.json", b"{", "changed"),
        ("models/.seed0.safetensors.sha256", b"?\n", "changed"),
        ("models/.part-seed0.csv", b"ha", "left half-written by a killed job"),
    ],
)
def test_a_problem_is_told_and_removed_so_that_a_run_heals_it(results, capsys, path, content, what):
    if content is None:
        (results / path).unlink()
    else:
        (results / path).write_bytes(content)
    assert __main__.main(["verify", "results/mine"]) == 1
    told = capsys.readouterr().out
    assert f"{what}: results/mine/{path}\n" in told
    assert "--remove" in told
    assert __main__.main(["verify", "results/mine", "--remove"]) == 1
    top = results / path.partition("/")[0] if path.startswith("audio") else results / path
    assert not top.exists()
    removed = [line.removeprefix("deleted: ") for line in capsys.readouterr().out.splitlines() if "deleted: " in line]
    assert all(path.startswith("results/mine/") for path in removed)
    assert {what for _, what in found(results)} <= {"missing"}


def test_what_lies_outside_is_compared_with_the_manifest(results, tmp_path, capsys):
    (tmp_path / "resources" / "net.safetensors").write_text("weighty")
    assert __main__.main(["verify", "results/mine"]) == 1
    assert "changed: results/mine/../../resources" not in capsys.readouterr().out
    assert [str(p.path) for p in verify.verify(results).problems] == [str(tmp_path / "resources" / "net.safetensors")]
    (tmp_path / "resources" / "net.safetensors").unlink()  # somebody frees disk space
    assert found(results) == []


def test_a_table_made_again_since_the_manifest_is_no_damage(results):
    table = results / "tables" / "detection.csv"
    table.write_text("newer")
    record(table)
    (problem,) = verify.verify(results).problems
    assert (problem.what, problem.remove) == ("newer than manifest.json", None)


def test_an_intermediate_made_again_since_the_manifest_is_named(results):
    """A partial run with other settings: models anew, tables as before."""
    model = results / "models" / "seed0.safetensors"
    record(model)
    assert found(results) == []
    model.write_text("of other settings")
    record(model)
    assert found(results) == [("models/seed0.safetensors", "newer than manifest.json")]


def test_what_was_added_since_the_manifest_is_noted(results, capsys):
    other = results / "models" / "seed1.safetensors"
    other.write_text("another seed")
    record(other)
    assert __main__.main(["verify", "results/mine"]) == 0
    assert "note: results/mine/models/seed1.safetensors was made since manifest.json" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("experiment: mine\ntraining: {seeds: [0, 1]}\nsnr: [15, 25]\n", "training.seeds"),
        ("experiment: mine\ntraining: {seeds: [0]}\n", "snr"),
        ("[]", "it has no keys"),
        ("{", "it cannot be read"),
    ],
)
def test_settings_that_contradict_the_manifest_are_named(results, text, keys):
    """As a partial run once left them: a `config.yaml` of another experiment, without a record."""
    settings = results / "config.yaml"
    settings.write_text(text)
    integrity.record_of(settings).unlink()
    (problem,) = verify.verify(results).problems
    assert (problem.path, problem.remove) == (settings, settings)
    assert problem.what == f"states other settings than manifest.json ({keys})"


def test_deleted_intermediates_are_no_problem_but_final_outputs_are(results, capsys):
    (results / "models" / "seed0.safetensors").unlink()
    assert __main__.main(["verify", "results/mine"]) == 0
    assert "note: results/mine/models/seed0.safetensors has been deleted" in capsys.readouterr().out
    (results / "tables" / "detection.csv").unlink()
    assert found(results) == [("tables/detection.csv", "missing")]


def test_results_moved_elsewhere_still_pass(results, tmp_path):
    shutil.move(results, tmp_path / "elsewhere" / "renamed")
    assert verify.verify(tmp_path / "elsewhere" / "renamed").problems == []
    (tmp_path / "elsewhere" / "renamed" / "tables" / "detection.csv").write_text("x")
    assert found(tmp_path / "elsewhere" / "renamed") == [("tables/detection.csv", "changed")]


def test_results_from_before_the_records_are_compared_with_the_manifest(results):
    for path in results.rglob(".*.sha256"):
        path.unlink()
    assert found(results) == []
    (results / "audio" / "a.flac").write_text("x")
    (results / "tables" / "detection.csv").write_text("x")
    assert found(results) == [("audio", "changed"), ("tables/detection.csv", "changed")]


def test_an_unfinished_run_is_compared_with_its_records(results):
    (results / "manifest.json").unlink()
    integrity.record_of(results / "manifest.json").unlink()
    assert found(results) == []
    (results / "models" / "seed0.safetensors").write_text("x")
    assert found(results) == [("models/seed0.safetensors", "changed")]


def test_while_a_run_works_there_nothing_is_called_damaged_or_removed(results, capsys):
    project = results.parent.parent
    part = results / "tables" / ".part-detection.csv"
    part.touch()
    command = [sys.executable, "-c", "from igsed.jobs import runs; runs.announce(); print('here', flush=True); input()"]
    (project / ".snakemake").mkdir(exist_ok=True)
    with subprocess.Popen(command, cwd=project, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as run:
        assert run.stdout.readline() == b"here\n"
        assert __main__.main(["verify", "results/mine", "--remove"]) == 1
        assert "a run works there" in capsys.readouterr().err
        run.communicate()
    assert part.exists()
    __main__.main(["verify", "results/mine", "--remove"])
    assert not part.exists()


def test_a_folder_that_holds_no_results_is_refused(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    for name in ("empty", "absent"):
        with pytest.raises(InputError, match=name):
            verify.verify(tmp_path / name)
    assert __main__.main(["verify", str(tmp_path / "absent")]) == 1
    assert "no such folder" in capsys.readouterr().err


def test_the_manifest_holds_plain_sha256(results):
    manifest = json.loads((results / "manifest.json").read_text())
    table = results / "tables" / "detection.csv"
    assert list(manifest["outputs"].values()) == [hashlib.sha256(table.read_bytes()).hexdigest()]
