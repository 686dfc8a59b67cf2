# The checked configuration and what several rules derive from it.
import pathlib

from igsed import config as configuration
from igsed.jobs import provenance, runs
from igsed import checksums, recordings, shards
from igsed.errors import InputError
from igsed.backbones import NETWORKS
from igsed.detectors import limits
from igsed.soundbanks import KINDS
from igsed.metrics import METRICS, of_pairs
from igsed.fetch import table
from igsed.thresholds import RULES

provenance.put_first(workflow.basedir)
runs.announce()

# Files of the user's are no inputs of rules, since Snakemake takes braces and `<…>` in their names for its own. What
# stands for them are parameters that change when a file is added, removed or changed.
try:
    CONFIG = configuration.load(config, repairs.configfiles(workflow), repairs.overrides(workflow))
    LABELS = CONFIG.classes
    SOUNDBANK, BACKBONE = CONFIG.soundbank.component, CONFIG.backbone.component
    # What the soundbank is made of, but for files of the user's.
    SOUNDBANK_FOLDER = f"<resources>/{SOUNDBANK.shared}" if SOUNDBANK.shared else "<results>/soundbank"
    PLACES = {source: f"<resources>/sources/{source}" for source in SOUNDBANK.sources(CONFIG.soundbank)}
    PLACES |= {SOUNDBANK.name: SOUNDBANK_FOLDER} if SOUNDBANK.makes else {}
    # The same for real recordings, if there are any.
    REAL = CONFIG.recordings.component if CONFIG.recordings else None
    REAL_RECORDINGS = [f"<resources>/sources/{REAL.source}"] if REAL and REAL.source else []
    REAL_FOLDER = REAL.files(CONFIG.recordings) if REAL else []
    if REAL and CONFIG.recordings.overlap:
        REAL_FOLDER.append(CONFIG.recordings.overlap)
    OWN_WEIGHTS = BACKBONE.own_weights(CONFIG.backbone)
    FILES = {
        "soundbank": provenance.inventory(SOUNDBANK.files(CONFIG.soundbank, LABELS)),
        "recordings": provenance.inventory(REAL_FOLDER),
        "weights": provenance.inventory([OWN_WEIGHTS] if OWN_WEIGHTS else []),
    }
    SOURCES = {name: [file._asdict() for file in files] for name, files in table.read(CONFIG.sources).items()}
except InputError as error:
    raise WorkflowError(str(error))

# For the report, which reads nothing else.
config["source_recordings"] = SOUNDBANK.sentence(CONFIG.soundbank)

KEEP = CONFIG.mixtures.keep.model_dump() if CONFIG.mixtures.keep else dict.fromkeys(["train", "validation", "test"])
SPLITS = ["train", "validation", "test"]
# Real recordings, where there are any, are judged like the test split.
JUDGED = ["test", *(["recordings"] if CONFIG.recordings else [])]
# The detectors of the experiment, by what they need.
METHODS, MASKED, FRAMEWISE, WAVEFORM, TRUTH, GIVEN = map(
    CONFIG.detectors_of, ["classifier", "masks", "frames", "waveform", "events", "files"]
)
MODELS = CONFIG.models
CHOSEN = {
    chosen.name: {"method": chosen.method, "settings": chosen.settings, "options": chosen.options}
    for chosen in CONFIG.detectors
}
# Of every model: from which labels of which split it learns, and whether with clips at other levels.
LEARNS_FROM = {name: chosen.detector.learns_from if chosen else "clip" for name, chosen in MODELS.items()}
TRAINED_ON = {name: chosen.detector.trained_on if chosen else "train" for name, chosen in MODELS.items()}
WITH_LEVELS = {
    name: CONFIG.with_levels(chosen) if chosen else CONFIG.with_levels() == (name == "clip")
    for name, chosen in MODELS.items()
}
# Those whose attributions, or embeddings of masked clips, are computed; others share them.
SOURCES_OF = {name: CONFIG.source_of(name) for name in METHODS}
MASKS_OF = {name: CONFIG.masks_of(name) for name in MASKED}
# Which sounds of training clips attribution methods take.
SOUNDS = {name: CONFIG.sounds_of(name) for name in METHODS}
# Clips of a split, as far as is known before they are made; of real recordings about.
CLIPS = {split: (KEEP[split] if KEEP[split] is not None else getattr(CONFIG.mixtures.clips, split)) for split in SPLITS}
CLIPS |= {"recordings": REAL.count(CONFIG.recordings, CONFIG.mixtures.duration)} if REAL else {}
# Clips whose scores depend on which classes are scored.
EXPLAINED = "present" in [CONFIG.evaluation.pairs, *CONFIG.evaluation.also]
TABLES = ["classification", "detection", "per_class", "baselines", "ranking", "data"] + (
    ["recordings"] if CONFIG.recordings else []
)
FIGURES = [
    "headline",
    "headline_column",
    "pipeline",
    "examples",
    "examples_column",
    "thresholds",
    "per_class",
    "training",
    "data",
    "strata",
]
FIGURES += ["recordings"] if CONFIG.recordings else []
WEIGHTS = BACKBONE.place(CONFIG.backbone, "<results>", "<resources>")
# What `igsed.backbones.load` is called with, besides the weights.
NETWORK = CONFIG.backbone.model_dump(mode="json", exclude={"weights"})

# How detectors are judged, as plain values; the protocols of each besides.
JUDGING = {
    "labels": LABELS,
    "metrics": CONFIG.evaluation.metrics,
    "select": CONFIG.evaluation.select,
    "arguments": CONFIG.evaluation.arguments,
    "scale": CONFIG.evaluation.scale,
}
# What the figure of examples shows: the first protocol.
EXAMPLES = {
    "reference": CONFIG.evaluation.shared_from,
    "seed": CONFIG.training.seeds[0],
    "protocol": CONFIG.evaluation.main_protocols[0],
    "rule": CONFIG.evaluation.thresholds[0],
    "count": CONFIG.figures.examples,
    "metric": METRICS.find(CONFIG.evaluation.select).name,
}

# Chance and ceiling are shown beside the detectors that are drawn.
WITH_LIMITS = [name for name in CONFIG.detector_names if name in {*CONFIG.drawn, *limits()}]

# What the page of results shows: the figures and files that are beside it.
PAGE_FIGURES = [figure for figure in FIGURES if figure not in ("pipeline", "examples", "examples_column", "training")]
PAGE_SOUNDS = {"sounds": directory("<results>/index_files")} if CONFIG.page.audio == "link" else {}
DOWNLOADS = [
    *(f"{name}.csv" for name in ("metrics", "intervals", "differences", "pairwise", "ranking", "strata")),
    *(f"tables/{table}.csv" for table in TABLES),
    "tables/data.html",
    *(f"figures/{figure}.svg" for figure in FIGURES),
    *("config.yaml", "manifest.json"),
]

LEVELS = CONFIG.training.levels.model_dump() if CONFIG.training.levels else None

DEVICE = CONFIG.device if CONFIG.device != "auto" else "cuda" if provenance.gpus() else "cpu"
# Without a GPU, jobs must not queue for one.
GPU = int(DEVICE == "cuda")


wildcard_constraints:
    split="|".join([*SPLITS, "recordings"]),
    seed=r"\d+",
    shard=r"\d+",
    model="|".join(MODELS),
    detector="[a-z][a-z0-9_]*",
    source="[a-z][a-z0-9_]*",
    masks="[a-z][a-z0-9_]*",


def growing(amount):
    """A resource of a job: `amount`, and as much again at every further attempt (see `retries`)."""

    def at_attempt(wildcards, attempt):
        return amount * attempt

    return at_attempt


def one_of(names):
    """A constraint on a wildcard: one of some names, or nothing at all where there is none."""
    return "|".join(names) or "(?!)"
