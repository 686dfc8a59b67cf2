# The checked configuration and what several rules derive from it.
import pathlib

from igsed import config as configuration
from igsed.jobs import provenance, runs
from igsed import recordings
from igsed.errors import InputError
from igsed.registry import BACKBONES, BASELINES, FRAMEWISE
from igsed.soundbanks import soundbank
from igsed.fetch import table

provenance.put_first(workflow.basedir)
runs.announce()

# Files of the user's are no inputs of rules, since Snakemake takes braces and `<…>` in their names for its own. What
# stands for them are parameters that change when a file is added, removed or changed.
try:
    CONFIG = configuration.load(config, repairs.configfiles(workflow), repairs.overrides(workflow))
    # What the soundbank is made of, but for a folder of the user's.
    RECORDINGS = {
        "procedural": ["<results>/soundbank"],
        "debian": ["<resources>/free_sounds"],
        "desed": collect("<resources>/sources/{source}", source=CONFIG.soundbank.downloads),
        "folder": [],
    }[CONFIG.soundbank.kind]
    FOLDER = soundbank.files(CONFIG.soundbank.path, CONFIG.classes) if CONFIG.soundbank.kind == "folder" else []
    # The same for real recordings, if there are any.
    REAL_RECORDINGS, REAL_FOLDER = [], []
    if CONFIG.recordings and CONFIG.recordings.kind == "folder":
        REAL_FOLDER = [CONFIG.recordings.annotations, *recordings.files(CONFIG.recordings.audio)]
    elif CONFIG.recordings:
        REAL_RECORDINGS = [f"<resources>/sources/{CONFIG.recordings.kind}"]
    if CONFIG.recordings and CONFIG.recordings.overlap:
        REAL_FOLDER.append(CONFIG.recordings.overlap)
    FILES = {
        "soundbank": provenance.inventory(FOLDER),
        "recordings": provenance.inventory(REAL_FOLDER),
        "table": provenance.inventory([CONFIG.soundbank.table] if CONFIG.soundbank.kind == "debian" else []),
    }
    SOURCES = {name: [file._asdict() for file in files] for name, files in table.read(CONFIG.sources).items()}
except InputError as error:
    raise WorkflowError(str(error))

LABELS = CONFIG.classes
KEEP = CONFIG.mixtures.keep.model_dump() if CONFIG.mixtures.keep else dict.fromkeys(["train", "validation", "test"])
SPLITS = ["train", "validation", "test"]
# Real recordings, where there are any, are judged like the test split.
JUDGED = ["test", *(["recordings"] if CONFIG.recordings else [])]
MODELS = ["clip", *(name for name in FRAMEWISE if name in CONFIG.detectors)]
METHODS = {name: method.model_dump() for name, method in CONFIG.attribution_methods.items()}
TABLES = ["classification", "detection", "per_class", "data"] + (["recordings"] if CONFIG.recordings else [])
FIGURES = ["pipeline", "examples", "thresholds", "per_class", "training", "data"]
FIGURES += ["recordings"] if CONFIG.recordings else []
WEIGHTS = {"yamnet": "<resources>/yamnet/yamnet.safetensors", "cnn14": "<resources>/cnn14/cnn14.pth"}[
    CONFIG.backbone.name
]

DEVICE = CONFIG.device if CONFIG.device != "auto" else "cuda" if provenance.gpus() else "cpu"
# Without a GPU, jobs must not queue for one.
GPU = int(DEVICE == "cuda")


wildcard_constraints:
    split="|".join([*SPLITS, "recordings"]),
    seed=r"\d+",
    shard=r"\d+",
    model="|".join(["clip", *FRAMEWISE]),
    detector="[a-z][a-z0-9_]*",


DIGEST = provenance.CodeDigest(workflow.basedir)
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


def growing(amount):
    """A resource of a job: `amount`, and as much again at every further attempt (see `retries`)."""

    def at_attempt(wildcards, attempt):
        return amount * attempt

    return at_attempt
