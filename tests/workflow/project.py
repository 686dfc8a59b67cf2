"""A copy of the project in which a test may run the workflow and edit what it likes."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]

MINIATURE = {
    "experiment": "miniature",
    "labels": ["Alarm_bell_ringing", "Dog", "Frying"],
    "soundbank": {"recordings": {"train": 4, "eval": 2}, "backgrounds": {"train": 2, "eval": 1}},
    "mixtures": {"clips": {"train": 32, "validation": 5, "test": 6}, "events": [1, 2], "shard": 16},
    "training": {"seeds": [0]},
    "detectors": [
        {"name": "ig", "n_steps": 4, "tolerance": None},
        *("fw_ws", "fw_ss", "random", "energy"),
    ],
    "evaluation": {"bootstrap": 200},
    "figures": {"examples": 2},
}


class Project:
    """A copy of the project in which the workflow runs."""

    def __init__(self, folder: Path, settings: dict, weights: Path | None = None):
        self.folder, self.settings = folder, settings
        shutil.copytree(ROOT / "igsed", folder / "igsed", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(ROOT / "workflow", folder / "workflow")
        shutil.copytree(ROOT / "envs", folder / "envs")
        shutil.copytree(ROOT / "config", folder / "config")
        (folder / "profiles").symlink_to("workflow/profiles")
        for name in ("Snakefile", "config.yaml"):
            shutil.copy(ROOT / name, folder)
        (folder / "resources" / "yamnet").mkdir(parents=True)
        for path in weights.parent.glob("yamnet*.*") if weights else ():
            shutil.copy2(path, folder / "resources" / "yamnet")

    @property
    def results(self) -> Path:
        """The experiment's results."""
        return self.folder / "results" / self.settings["experiment"]

    def snakemake(self, *arguments: str, settings: dict | None = None) -> subprocess.CompletedProcess:
        """Run Snakemake in the copy; `settings` replace the experiment's own."""
        configfile = self.folder / "experiment.yaml"
        configfile.write_text(yaml.safe_dump(self.settings if settings is None else settings))
        command = [sys.executable, "-m", "snakemake", "--configfile", configfile.name, "--resources", "gpu=1"]
        command += ["--cores", "2", *arguments]
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=600)

    def run(self, *arguments: str, settings: dict | None = None) -> subprocess.CompletedProcess:
        """Run the workflow; it must succeed."""
        done = self.snakemake(*arguments, settings=settings)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
        return done

    def plan(self, settings: dict | None = None) -> dict[str, int]:
        """What a run would do now: rule → number of jobs."""
        return self.plan_of(settings=settings)

    def plan_of(self, *targets: str, settings: dict | None = None) -> dict[str, int]:
        """What a run would do now for some files: rule → number of jobs."""
        done = self.run("--dry-run", *targets, settings=settings)
        rows = re.findall(r"^(\w+) +(\d+)$", done.stdout + done.stderr, flags=re.MULTILINE)
        return {rule: int(count) for rule, count in rows if rule not in ("all", "total")}

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace a piece of text in a file of the copy."""
        file = self.folder / path
        text = file.read_text()
        assert old in text, f"{path} no longer holds {old!r}"
        file.write_text(text.replace(old, new, 1))


def contents(folder: Path, *patterns: str) -> dict[str, bytes]:
    """The bytes of the files in a folder that match."""
    found = {str(p.relative_to(folder)): p.read_bytes() for pattern in patterns for p in sorted(folder.glob(pattern))}
    assert found, f"no {patterns} in {folder}"
    return found
