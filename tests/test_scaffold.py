"""What `igsed new detector` writes works as it stands; names that cannot be are refused."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from igsed import config, scaffold
from igsed.__main__ import main
from igsed.errors import InputError

ROOT = Path(__file__).parents[1]
FILES = ["scaffolded_one.py", "scaffolded_one.yaml", "test_scaffolded_one.py"]


def python(folder, *arguments):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def written(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert main(["new", "detector", "scaffolded_one"]) == 0
    assert "igsed test scaffolded_one.py" in capsys.readouterr().out
    yield tmp_path
    sys.modules.pop("scaffolded_one", None)


def test_what_is_written_passes_its_test(written):
    assert sorted(path.name for path in written.iterdir()) == FILES
    done = python(written, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_scaffolded_one.py")
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout


def test_what_is_written_passes_igsed_test(written, capsys):
    assert main(["test", "scaffolded_one.py"]) == 0
    assert main(["test", "scaffolded_one:DETECTOR"]) == 0
    assert "FAILED" not in capsys.readouterr().out


def test_a_wrong_one_does_not_pass(written, capsys):
    code = (written / "scaffolded_one.py").read_text()
    (written / "scaffolded_one.py").write_text(code.replace("padding=smoothing", "padding=0"))
    assert main(["test", "scaffolded_one.py"]) == 1
    told = capsys.readouterr().out
    assert "FAILED  shape: expected scores (target, frame) of shape (3, 20), found (3, 18)" in told
    assert "1 check failed" in told
    done = python(written, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_scaffolded_one.py")
    assert (done.returncode, "shape: expected" in done.stdout) == (1, True), done.stdout


def test_the_experiment_is_valid(written):
    experiment = config.load(config.merge([ROOT / "config.yaml", written / "scaffolded_one.yaml"]))
    assert experiment.detector_names == ["ig", "scaffolded_one", "random", "energy"]
    assert experiment.detectors[1].settings == {"smoothing": 1}


def test_naming_it_in_a_configuration_does_not_import_torch(written):
    code = "import sys; from igsed import detectors; detectors.find('scaffolded_one:DETECTOR'); "
    code += "sys.exit('torch' in sys.modules)"
    assert python(written, "-c", code).returncode == 0


def test_the_console_script_finds_the_modules_of_the_current_folder(written):
    """As `python -m igsed` does; -P leaves the folder out, as a console script does."""
    code = "from igsed.__main__ import main; import sys; sys.exit(main(['test', 'scaffolded_one:scores']))"
    (written / "scaffolded_one.py").write_text("def scores(classifier, waveform, targets): return waveform[:0]\n")
    assert "FAILED  shape" in python(written, "-P", "-c", code).stdout
    own = {"name": "mine", "method": "scaffolded_one:gone"}
    (written / "mine.yaml").write_text(yaml.safe_dump({"experiment": "mine", "detectors": ["ig", own]}))
    (written / "config.yaml").write_bytes((ROOT / "config.yaml").read_bytes())
    code = "from igsed.__main__ import main; import sys; sys.exit(main(['check', 'mine.yaml']))"
    assert "scaffolded_one.py: defines no 'gone'" in python(written, "-P", "-c", code).stderr


@pytest.mark.parametrize("existing", FILES)
def test_nothing_is_written_over(tmp_path, existing):
    (tmp_path / existing).write_text("mine")
    with pytest.raises(InputError, match=f"{existing}: exists already"):
        scaffold.new_detector("scaffolded_one", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [existing]
    assert (tmp_path / existing).read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "no name"),
        ("My", "no name"),
        ("a-b", "no name"),
        ("a.b", "no name"),
        ("../a", "no name"),
        ("_a", "no name"),
        ("a" * 61, "no name"),
        ("a\n", "no name"),
        ("lambda", "no name"),
        ("ig", "is a detector already"),
        ("json", "is a module"),
        ("sys", "is a module"),
        ("torch", "is a module"),
        ("igsed", "is a module"),
        ("taken", "is a module or a folder"),
    ],
)
def test_a_name_that_cannot_be_is_refused(tmp_path, name, message):
    (tmp_path / "taken").mkdir()
    with pytest.raises(InputError, match=message):
        scaffold.new_detector(name, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"absent.*cannot be written"):
        scaffold.new_detector("scaffolded_one", tmp_path / "absent")
