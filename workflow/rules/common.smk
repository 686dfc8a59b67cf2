# The checked configuration and what several rules derive from it.
import pathlib
import shutil
import subprocess

import yaml

from igsed import config as configuration
from igsed.errors import InputError
from igsed.provenance import CodeDigest
from igsed.registry import BACKBONES, BASELINES, FRAMEWISE
from igsed.sources import soundbank

try:
    CONFIG = configuration.load(config, workflow.configfiles)
except InputError as error:
    raise WorkflowError(str(error))

LABELS = CONFIG.classes
SPLITS = ["train", "validation", "test"]
SCORED = ["validation", "test"]
MODELS = ["clip", *(name for name in FRAMEWISE if name in CONFIG.detectors)]
METHODS = {name: method.model_dump() for name, method in CONFIG.attribution_methods.items()}
FIGURES = ["pipeline", "examples", "thresholds", "per_class", "training"]
WEIGHTS = f"<resources>/{CONFIG.backbone.name}/{CONFIG.backbone.name}.safetensors"

if CONFIG.device == "auto":
    DEVICE = "cuda" if shutil.which("nvidia-smi") and os.path.exists("/dev/nvidiactl") else "cpu"
else:
    DEVICE = CONFIG.device
# Without a GPU, jobs must not queue for one.
GPU = int(DEVICE == "cuda")


wildcard_constraints:
    split="|".join(SPLITS),
    seed=r"\d+",
    shard=r"\d+",
    model="|".join(["clip", *FRAMEWISE]),
    detector="[a-z][a-z0-9_]*",


DIGEST = CodeDigest(workflow.basedir)
CODE = {
    path.stem: DIGEST(f"workflow/scripts/{path.name}")
    for path in sorted(pathlib.Path(workflow.basedir, "workflow", "scripts").glob("*.py"))
}
BACKBONE_MODULE = BACKBONES[CONFIG.backbone.name].partition(":")[0]
CODE["features"] = DIGEST("workflow/scripts/features.py", BACKBONE_MODULE)
ATTRIBUTE_CODE = {
    name: DIGEST("workflow/scripts/attribute.py", BACKBONE_MODULE, method["function"].partition(":")[0])
    for name, method in METHODS.items()
}


def code(rule):
    """Digest of a rule's script and of the package modules that it runs: their edits rerun the rule."""
    return CODE[rule]


def scores_of(detector, split):
    """All frame-score files of a detector on a split."""
    return collect(
        "<results>/scores/{detector}/seed{seed}/{split}.parquet",
        detector=detector,
        seed=CONFIG.seeds_of(detector),
        split=split,
    )


def finish():
    """Make the report and name what the run made; called after a run that had something to do."""
    folder = pathlib.Path("results", CONFIG.experiment)
    settings, report = folder / "config.yaml", folder / "report.html"
    settings.write_text(yaml.safe_dump(CONFIG.model_dump(mode="json"), sort_keys=False), encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", "--report", report, "--configfile", settings, "--cores", "1"]
    made = subprocess.run(
        [*command, "--nolock", "--snakefile", workflow.main_snakefile], capture_output=True, text=True
    )
    if made.returncode:
        print(f"\nThe report could not be made:\n{made.stderr[-2000:]}", file=sys.stderr)
    print(f"\nDone. {folder} holds:")
    for pattern in ["tables/*.md", "figures/*.png", "metrics.csv", "manifest.json", "report.html"]:
        for path in sorted(folder.glob(pattern)):
            print(f"  {path}")
