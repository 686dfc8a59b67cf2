"""The table of sources: the one of this repository, and broken ones."""

import contextlib
import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from igsed.errors import InputError
from igsed.fetch import table, zenodo

OWN = Path(__file__).parents[2] / "config" / "sources.csv"
GOOD = {
    "name": "bank",
    "file": "bank.tar.gz",
    "kind": "archive",
    "url": "https://example.org/bank.tar.gz",
    "mirror": "http://example.com/b?x=1",
    "bytes": "12",
    "md5": "AB" * 16,
    "sha256": "",
    "licence": "CC BY 4.0, of the record",
    "citation": "",
}


def write(path, *rows, columns=table.COLUMNS):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([row.get(column, "") for column in columns] for row in rows)
    return path


def refused(path):
    with pytest.raises(InputError) as caught:
        table.read(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_the_table_of_this_repository():
    sources = table.read(OWN)
    assert set(sources) == {"desed_soundbank", "sins", "tut_scenes_2017", "desed_public_eval", "panns_cnn14"}
    (weights,) = sources["panns_cnn14"]
    assert (weights.file, weights.kind, weights.bytes) == ("Cnn14_mAP=0.431.pth", "file", 327428481)
    assert [file.kind for file in sources["desed_soundbank"]] == ["archive", "file"]
    for files in sources.values():
        for file in files:
            for address in file.addresses:
                location = zenodo.locate(address)
                assert location is None or location.key == file.file
            assert file.addresses[0].startswith("https://zenodo.org/records/")
            assert file.licence
            assert file.citation
    # parts are numbered without a gap
    for name, prefix, parts in (
        ("sins", "DCASE2018-task5-dev", 23),
        ("tut_scenes_2017", "TUT-acoustic-scenes-2017-development", 10),
    ):
        wanted = [f"{prefix}.meta.zip"] + [f"{prefix}.audio.{k}.zip" for k in range(1, parts + 1)]
        assert [file.file for file in sources[name]] == wanted
        assert len({file.md5 for file in sources[name]}) == parts + 1


def test_cells_become_values(tmp_path):
    path = write(tmp_path / "sources.csv", GOOD)
    ((file,),) = table.read(path).values()
    assert file.md5 == "ab" * 16
    assert file.bytes == 12
    assert file.sha256 is None
    assert file.addresses == [GOOD["url"], GOOD["mirror"]]
    assert file.licence == "CC BY 4.0, of the record"
    assert table.source(path, "bank") == [file]
    with pytest.raises(InputError, match=r"no source 'sins'.*bank"):
        table.source(path, "sins")


def test_the_order_of_columns_does_not_matter_and_blank_lines_neither(tmp_path):
    path = write(tmp_path / "sources.csv", GOOD, columns=table.COLUMNS[::-1])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes() + b"\r\n,,,,,,,,,\r\n")
    assert table.read(path) == table.read(write(tmp_path / "other.csv", GOOD))


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("name", ""),
        ("name", "Bank"),
        ("name", "../bank"),
        ("file", ""),
        ("file", "a/b.tar.gz"),
        ("file", "a\\b.tar.gz"),
        ("file", ".."),
        ("file", ".hidden.zip"),
        ("file", "c:b.zip"),
        ("file", "bank.7z"),
        ("kind", "folder"),
        ("kind", ""),
        ("url", ""),
        ("url", "ftp://example.org/x"),
        ("url", "https://"),
        ("url", "https://exa mple.org/x"),
        ("url", "http://[x/"),
        ("mirror", "/home/bank.tar.gz"),
        ("bytes", "0"),
        ("bytes", "-1"),
        ("bytes", "1.5e9"),
        ("bytes", "٣"),
        ("md5", "ab"),
        ("md5", "g" * 32),
        ("md5", ""),
        ("sha256", "ab" * 16),
    ],
)
def test_a_cell_that_does_not_fit_is_named(tmp_path, column, cell):
    other = GOOD | {"file": "first.zip"}
    message = refused(write(tmp_path / "sources.csv", other, GOOD | {column: cell}))
    assert "line 3" in message
    assert f"column {column!r}" in message
    assert repr(cell) in message


def test_a_digest_may_be_left_to_zenodo(tmp_path):
    row = GOOD | {"md5": "", "url": "https://zenodo.org/records/1/files/bank.tar.gz?download=1"}
    assert table.read(write(tmp_path / "sources.csv", row))["bank"][0].identity.digest is None


def test_two_rows_cannot_be_one_file(tmp_path):
    second = GOOD | {"name": "other", "file": "BANK.tar.gz"}
    message = refused(write(tmp_path / "sources.csv", GOOD, second))
    assert "line 3, column 'file'" in message
    assert "line 2" in message


def test_lines_are_counted_as_an_editor_does(tmp_path):
    rows = [GOOD | {"file": f"{k}.zip", "citation": "one\ntwo\nthree"} for k in range(2)]
    assert "line 8, column 'kind'" in refused(write(tmp_path / "sources.csv", *rows, GOOD | {"kind": "x"}))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "line 1"),
        ("name,file\n", "bytes"),
        (",".join([*table.COLUMNS, "more"]), "more"),
        (",".join([*table.COLUMNS, "md5"]), "md5"),
        (",".join(table.COLUMNS) + "\n", "no row"),
        (",".join(table.COLUMNS) + "\nbank,x\n", "line 2: has 2 cells"),
        (",".join(table.COLUMNS) + '\n"bank', "cannot be read"),
    ],
)
def test_a_broken_table_is_told(tmp_path, text, told):
    path = tmp_path / "sources.csv"
    path.write_text(text)
    assert told in refused(path)


def test_no_table_is_told(tmp_path):
    assert "sources.csv: there is no such file" in refused(tmp_path / "sources.csv")
    (tmp_path / "sources.csv").write_bytes(b"\xff\xfe\x00")
    assert "cannot be read" in refused(tmp_path / "sources.csv")


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode()))
def test_whatever_stands_in_it_it_is_read_or_refused(tmp_path_factory, rest):
    path = tmp_path_factory.getbasetemp() / "sources.csv"
    path.write_bytes(",".join(table.COLUMNS).encode() + b"\n" + rest)
    with contextlib.suppress(InputError):
        table.read(path)
