"""Tables, lists and answers of strangers that say which files there are and where to get them."""

import itertools
import json
import tempfile
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from igsed import recordings
from igsed.errors import InputError
from igsed.fetch import table, zenodo
from igsed.fetch.download import Patience, download
from igsed.recordings import desed_public_eval
from igsed.soundbanks import debian, desed, soundbank
from tests.hostile.mutations import CELLS, bounded, damaged, damaged_table, value_or_refusal
from tests.loopback import serve
from tests.toys import recording

ROOT = Path(__file__).parents[2]
SOURCES = "\n".join((ROOT / "config" / "sources.csv").read_text().split("\n")[:4])
QUIET = Patience(progress=False)
PACKAGES = "\n".join((ROOT / "config" / "free_sounds.csv").read_text().split("\n")[:5])


def put(folder, content, name="table"):
    path = Path(folder, name)
    path.write_bytes(content)
    return path


@given(damaged(SOURCES.encode()) | damaged_table(SOURCES, ","))
@settings(deadline=None, max_examples=200)
def test_files_of_sources_stay_in_the_downloads(content):
    with tempfile.TemporaryDirectory() as folder:
        for files in (value_or_refusal(table.read, put(folder, content)) or {}).values():
            for file in files:
                assert Path("/downloads", file.file).parent == Path("/downloads")
                assert not file.file.startswith(".")
                assert file.identity.digest or zenodo.locate(file.url)


def row(**cells):
    given = {"name": "a", "file": "a.zip", "kind": "archive", "url": "https://host/a", "md5": "0" * 32} | cells
    return (",".join(table.COLUMNS) + "\n" + ",".join(given.get(name, "") for name in table.COLUMNS)).encode()


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"url": "http://[", "md5": ""}, "url"),
        ({"url": "http://[::1", "md5": ""}, "url"),
        ({"bytes": "9" * 5000}, "bytes"),
        ({"file": "x" * 300 + ".zip"}, "file"),
        ({"file": "é" * 120 + ".zip"}, "file"),
        ({"name": "x" * 300}, "name"),
    ],
)
def test_a_cell_that_would_fail_later_is_told(tmp_path, cells, column):
    with pytest.raises(InputError, match=f"column '{column}'"):
        table.read(put(tmp_path, row(**cells)))


@given(damaged(PACKAGES.encode()) | damaged_table(PACKAGES, ","))
@settings(deadline=None, max_examples=150)
def test_recordings_of_packages_stay_in_the_soundbank(content):
    with tempfile.TemporaryDirectory() as folder:
        found = value_or_refusal(debian.read, put(folder, content))
        for entry in () if found is None else found.itertuples():
            name = f"{entry.package}_{entry.series}_0.wav"
            assert Path("/bank", entry.label, name).resolve().is_relative_to(Path("/bank"))
            assert len(name) <= 255
            assert isinstance(debian.pieces(np.ones(9000, np.float32), 44_100, 1, 0.1, entry.start, entry.stop), list)


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("stop", "1e308"),
        ("start", "1e7"),
        ("path", "/a\n/.."),
        ("path", "/a\n/../../x.wav"),
        ("path", "/a\0.wav"),
        ("series", "x" * 300),
        ("label", "background/" + "x" * 300),
        ("package", "x" * 300),
    ],
)
def test_an_entry_that_would_fail_later_is_told(tmp_path, column, cell):
    header, first = PACKAGES.split("\n")[:2]
    cells = dict(itertools.zip_longest(header.split(","), first.split(","), fillvalue="")) | {column: f'"{cell}"'}
    with pytest.raises(InputError, match=column):
        debian.read(put(tmp_path, f"{header}\n{','.join(cells.values())}".encode()))


@pytest.mark.parametrize("path", ["/x/a.raw", "/x/" + "n" * 300 + ".wav", "/x/a" + ".w" * 200, "/x/.."])
def test_a_packages_file_of_any_name_is_written_or_refused(tmp_path, path):
    entry = pd.DataFrame([{"package": "p", "path": path, "label": "Dog", "split": "train", "series": "s"}])
    entry = next(entry.assign(start=0.0, stop=np.inf).itertuples())
    made = value_or_refusal(debian._write, recording(tmp_path / "a.wav").read_bytes(), entry, tmp_path / "bank", {})
    assert made is None or all(Path(p).parent == tmp_path / "bank/audio/train/soundbank/foreground/Dog" for p in made)


LISTED = "filepath\naudio/validation/soundbank/foreground/Dog/1.wav\naudio/x/background/s/y.wav"
LICENCES = "filename\tlicense\n../eval/soundbank/Dog/1.wav\tCC0"
OVERLAP = "# of AudioSet\nabcdefghijk\nx.wav,1,2"
ANNOTATIONS = "filename\tonset\toffset\tevent_label\na.wav\t0\t1\tDog"


@given(damaged_table(LISTED, "/") | damaged(LISTED.encode()), st.sampled_from(["list.tsv", "list.csv"]))
@settings(deadline=None, max_examples=80)
def test_a_validation_list_is_read_or_refused(content, name):
    with tempfile.TemporaryDirectory() as folder:
        for named in value_or_refusal(soundbank.read_validation_list, put(folder, content, name)) or ():
            soundbank._key(named)


@given(damaged_table(LICENCES, "\t") | damaged(LICENCES.encode()))
@settings(deadline=None, max_examples=80)
def test_a_table_of_licences_says_something_or_nothing(content):
    with tempfile.TemporaryDirectory() as folder:
        put(folder, content, "license_eval.tsv")
        assert isinstance(soundbank.licences(folder)(Path("Dog/1.wav")), str)


@given(damaged_table(OVERLAP, ",") | damaged(OVERLAP.encode()))
@settings(deadline=None, max_examples=80)
def test_an_overlap_list_is_read_or_refused(content):
    with tempfile.TemporaryDirectory() as folder:
        listed = value_or_refusal(recordings.read_overlap, put(folder, content))
        recordings.overlapping(["a.wav", "Yabcdefghijk_1_2.wav"], listed or [])


@given(damaged_table(ANNOTATIONS, "\t") | damaged(ANNOTATIONS.encode()))
@settings(deadline=None, max_examples=60)
def test_an_annotation_is_told_from_other_tables(content):
    with tempfile.TemporaryDirectory() as folder:
        put(folder, content, "public.tsv")
        value_or_refusal(desed_public_eval.find, folder)


META = "audio/DevNode1_ex85_1.wav\tother\tex85\naudio/b.wav\tother\tex1"


@given(damaged_table(META, "\t") | damaged(META.encode()))
@example(b"/etc/passwd\tother\tx")
@example(b"audio/../../outside.wav\tother\tx")
@example(b"x" * 5000 + b"\tother\tx")
@example(b"\xff\tother\tx")
@settings(deadline=None, max_examples=120)
def test_listed_backgrounds_lie_in_the_source(content):
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "sins")
        (source / "audio").mkdir(parents=True)
        for path in (source / "audio/DevNode1_ex85_1.wav", Path(folder, "outside.wav")):
            path.write_bytes(b"sound")
        put(source, content, "meta.txt")
        for found in value_or_refusal(desed._segments, "sins", source) or ():
            assert found.path == source / "audio/DevNode1_ex85_1.wav"


@pytest.mark.parametrize("find", [soundbank.sounds, recordings.files])
def test_a_name_that_is_no_text_is_told(tmp_path, find):
    try:
        recording(tmp_path / "a.wav").rename(tmp_path / "b\udcff.wav")
    except OSError:
        pytest.skip("this disk has names in UTF-8 only")
    with pytest.raises(InputError, match=r"b\\udcff.wav: the name is not in UTF-8"):
        find(tmp_path)


RECORD = json.dumps({"files": [{"key": "a.zip", "size": 5, "checksum": f"md5:{'a' * 32}"}], "x": [1.5, None]}).encode()
LOCK = json.dumps({"https://host/api/records/1": {"a.zip": {"bytes": 5, "md5": "a" * 32}}}).encode()
PLACE = zenodo.Location("https://host/api/records/1", "a.zip")


@given(damaged(LOCK))
@example(b"[" * 100_000)
@example(LOCK.replace(b"5", b"9" * 5000))
@settings(deadline=None, max_examples=100)
def test_a_lock_file_is_read_or_refused(content):
    with tempfile.TemporaryDirectory() as folder:
        lock = put(folder, content)
        value_or_refusal(zenodo.locked, lock, PLACE)
        value_or_refusal(zenodo.learn, lock, PLACE, zenodo.Identity(5, "a" * 32))


@pytest.fixture(scope="module")
def site():
    with serve() as site:
        yield site


@given(damaged(RECORD))
@example(b"[" * 100_000)
@example(b'{"files":' * 50_000)
@example(RECORD.replace(b"5", b"9" * 5000))
@example(RECORD.decode().encode("utf-16"))
@settings(deadline=None, max_examples=60)
def test_an_answer_of_the_api_is_read_or_refused(site, content):
    site.files["/record"] = content
    for file in (value_or_refusal(lambda: zenodo.files(f"{site.url}/record", QUIET)) or {}).values():
        assert file.bytes >= 0
        assert len(file.md5) == 32


def test_an_endless_answer_is_not_read_to_its_end(site):
    site.files["/record"] = b" " * (64 << 20)
    with bounded(megabytes=100, seconds=20):
        assert value_or_refusal(lambda: zenodo.files(f"{site.url}/record", QUIET)) is None


@pytest.mark.parametrize("target", ["http://[", "file:///etc/passwd", "ftp://host/x", "//", "http://host:99999999/"])
def test_a_redirection_to_no_address_is_told(site, tmp_path, target):
    site.statuses["/moved"] = [(302, {"Location": target})] * 3
    assert value_or_refusal(lambda: download(f"{site.url}/moved", tmp_path / "file", patience=QUIET)) is None
    assert not (tmp_path / "file").exists()


@given(st.sampled_from(CELLS) | st.text(max_size=30))
@settings(deadline=None, max_examples=100)
def test_any_address_is_located_or_not(text):
    for url in (
        text,
        f"https://host/records/1/files/{quote(text, errors='replace')}",
        f"http://{text}/records/1/files/a",
    ):
        found = zenodo.locate(url)
        assert found is None or found.record.endswith("/api/records/1")
