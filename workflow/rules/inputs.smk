# What the inputs and parameters of single rules are, stage after stage; here, because Snakemake's lint wants no functions
# beside rules.


def shards(wildcards):
    """The folders that a split's clips are rendered into, a job each."""
    clips = getattr(CONFIG.mixtures.clips, wildcards.split)
    return collect(
        "<results>/shards/{split}/{shard}",
        split=wildcards.split,
        shard=range(-(-clips // CONFIG.mixtures.shard)),
    )


def clip_range(wildcards):
    """First clip of a shard and the clip after its last."""
    first = int(wildcards.shard) * CONFIG.mixtures.shard
    return first, min(first + CONFIG.mixtures.shard, getattr(CONFIG.mixtures.clips, wildcards.split))


def head_inputs(wildcards):
    """The clip head learns from pooled features, the framewise heads from those of every frame."""
    kind = "clips" if wildcards.model == "clip" else "frames"
    files = {"times": "<results>/features/train/times.npy"}
    for split in ["train", "validation"]:
        files[f"{split}_features"] = f"<results>/features/{split}/{kind}.npy"
        files[f"{split}_clips"] = f"<results>/mixtures/{split}/clips.csv"
        files[f"{split}_events"] = f"<results>/mixtures/{split}/events.tsv"
    return files


def scores_of(detector, split):
    """All frame-score files of a detector on a split."""
    return collect(
        "<results>/scores/{detector}/seed{seed}/{split}.parquet",
        detector=detector,
        seed=CONFIG.seeds_of(detector),
        split=split,
    )


def validation_scores(wildcards):
    """A detector's frame scores on validation, one file per seed that it has."""
    return scores_of(wildcards.detector, "validation")


def split_scores(wildcards):
    """A detector's frame scores on a split, one file per seed that it has."""
    return scores_of(wildcards.detector, wildcards.split)


def root(wildcards):
    """The folder of the checkout; as plain text its braces would be wildcards."""
    return workflow.basedir


def unfinished(wildcards):
    """What an earlier run was going to make and did not, as far as this experiment still has it."""
    return repairs.made_by_rules(workflow, runs.unfinished(), is_wanted)


def is_wanted(detector=None, model=None, seed=None, split=None, shard=None, source=None):
    """Whether the experiment has an output with such wildcards."""
    seeds = CONFIG.seeds_of(detector) if detector in CHOSEN else CONFIG.training.seeds
    return (
        detector in (None, *CHOSEN)
        and model in (None, *MODELS)
        and (seed is None or int(seed) in seeds)
        and split in (None, *SPLITS, *JUDGED)
        and (shard is None or int(shard) * CONFIG.mixtures.shard < getattr(CONFIG.mixtures.clips, split))
        and source in (None, *SOURCES)
    )


def given_files(wildcards):
    """Digest of the files from which scores are taken: it changes when one does."""
    folder = pathlib.Path(CHOSEN[wildcards.detector]["settings"]["path"])
    return provenance.inventory(path for path in folder.rglob("*") if path.suffix in (".tsv", ".parquet"))
