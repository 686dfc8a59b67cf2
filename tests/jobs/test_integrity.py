"""Records of outputs: what they see, and that sha256sum reads them."""

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from igsed.errors import InputError
from igsed.jobs import integrity


def record(output: Path) -> None:
    integrity.record_of(output).write_text(
        integrity.describe(output, output.name), encoding="utf-8", errors="surrogateescape"
    )


@pytest.fixture
def folder(tmp_path):
    """A recorded folder with two files, one of them deeper."""
    folder = tmp_path / "audio"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.flac").write_bytes(b"a" * 1000)
    (folder / "deep" / "b.flac").write_bytes(b"b" * 1000)
    record(folder)
    return folder


@given(content=st.binary(min_size=1, max_size=300), data=st.data())
def test_any_flipped_bit_and_any_truncation_is_seen(tmp_path_factory, content, data):
    file = tmp_path_factory.mktemp("flip") / "scores.parquet"
    file.write_bytes(content)
    record(file)
    integrity.check([file])
    at, bit = data.draw(st.integers(0, len(content) - 1)), data.draw(st.integers(0, 7))
    file.write_bytes(content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :])
    assert integrity.damages(file) == [(file, "changed")]
    file.write_bytes(content[:at])
    with pytest.raises(InputError):
        integrity.check([file])


def test_changed_missing_and_unexpected_files_of_a_folder_are_told_apart(folder):
    (folder / "a.flac").write_bytes(b"a" * 999)
    (folder / "deep" / "b.flac").rename(folder / "c.flac")
    found = [(path.relative_to(folder).as_posix(), what) for path, what in integrity.damages(folder)]
    assert found == [("deep/b.flac", "missing"), ("a.flac", "changed"), ("c.flac", "unexpected")]


def test_what_systems_leave_in_a_folder_is_no_damage(folder):
    (folder / ".snakemake_timestamp").touch()
    (folder / ".DS_Store").write_text("x")
    (folder / "deep" / ".cache").mkdir()
    (folder / "deep" / ".cache" / "x").touch()
    assert integrity.damages(folder) == []


def test_the_message_names_the_file_and_both_ways_out(folder):
    (folder / "a.flac").write_bytes(b"")
    with pytest.raises(InputError) as error:
        integrity.check([folder])
    assert str(folder / "a.flac") in str(error.value)
    assert f"rm -r {folder}, then" in str(error.value)
    # Each of them works.
    integrity.record_of(folder).unlink()
    integrity.check([folder])
    record(folder)
    shutil.rmtree(folder)
    (folder).mkdir()
    record(folder)
    integrity.check([folder])


def test_without_a_record_nothing_is_checked(tmp_path):
    integrity.check([tmp_path / "absent", tmp_path])


def test_a_deleted_output_is_damage(folder):
    shutil.rmtree(folder)
    assert {what for _, what in integrity.damages(folder)} == {"missing"}


@pytest.mark.parametrize("text", ["", "no digest  audio/a.flac\n", "0" * 64 + " audio\n", "\0" * 80 + "\n"])
def test_a_damaged_record_accuses_somebody(folder, text):
    integrity.record_of(folder).write_text(text)
    with pytest.raises(InputError, match=r"audio"):
        integrity.check([folder])


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs sha256sum")
def test_sha256sum_agrees(folder):
    for name in ("with space", "näme", "line\nbreak", "back\\slash", "-dash", "tab\there"):
        (folder / name).write_text(name)
    record(folder)
    assert integrity.damages(folder) == []
    name = integrity.record_of(folder).name
    command = ["sha256sum", "--check", "--strict", "--quiet", name]
    assert subprocess.run(command, cwd=folder.parent, check=False).returncode == 0
    (folder / "line\nbreak").write_text("other")
    assert subprocess.run(command, cwd=folder.parent, capture_output=True, check=False).returncode == 1


@given(
    names=st.sets(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=9))
)
def test_records_bear_any_file_name(tmp_path_factory, names):
    folder = tmp_path_factory.mktemp("names") / "out"
    folder.mkdir()
    for name in names - {".", ".."}:
        (folder / name).write_text(name)
    record(folder)
    assert integrity.damages(folder) == []
    assert {path.name for path in integrity.read(integrity.record_of(folder))} == {
        name for name in names if not name.startswith(".")
    }


@pytest.fixture
def made(tmp_path):
    """A folder that a job made, with what Snakemake leaves in it."""
    folder = tmp_path / "sounds"
    folder.mkdir()
    for name in ("0.mp3", "1.mp3"):
        (folder / name).write_text(name)
    integrity.record_of(folder).write_text(integrity.describe(folder, "sounds"))
    (folder / ".snakemake_timestamp").touch()
    return folder


def test_what_a_job_made_is_withdrawn_whole(made):
    assert integrity.withdraw(made) == []
    assert list(made.parent.iterdir()) == []
    assert integrity.withdraw(made) == []


def test_what_was_added_or_changed_since_stays(made):
    (made / "0.mp3").write_text("mine")
    (made / "notes.txt").write_text("mine")
    assert integrity.withdraw(made) == [made / "0.mp3", made / "notes.txt"]
    assert sorted(path.name for path in made.iterdir()) == [".snakemake_timestamp", "0.mp3", "notes.txt"]
    assert integrity.withdraw(made) == []
    assert (made / "notes.txt").exists()


def test_nothing_is_withdrawn_without_a_record_through_a_link_or_from_elsewhere(made):
    record = integrity.record_of(made)
    (made.parent / "precious").write_text("0.mp3")
    record.write_text(record.read_text().replace("sounds/0.mp3", "sounds/../precious") + record.read_text())
    link = made.parent / "link"
    link.symlink_to(made)
    integrity.record_of(link).write_text(record.read_text().replace("sounds/", "link/"))
    assert integrity.withdraw(link) == []
    assert (made / "0.mp3").exists()
    integrity.withdraw(made)
    assert (made.parent / "precious").exists()
    other = made.parent / "other"
    other.mkdir()
    (other / "0.mp3").touch()
    assert integrity.withdraw(other) == []
    assert (other / "0.mp3").exists()
