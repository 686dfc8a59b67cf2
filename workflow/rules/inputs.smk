# What the inputs and parameters of single rules are, stage after stage; here, because Snakemake's lint wants no functions
# beside rules.


def mixed_shards(wildcards):
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


def paired_conditions(wildcards):
    """What the variants of base clips have, which only test clips can be."""
    paired = CONFIG.mixtures.conditions if wildcards.split == "test" else None
    return paired and paired.model_dump()


def variants(wildcards):
    """Clips made of each base clip."""
    return CONFIG.mixtures.conditions.variants if paired_conditions(wildcards) else 1


def mixed_jams(wildcards):
    """Scaper's annotations of a split, which real recordings do not have."""
    return ["<results>/mixtures/{split}/jams"] if wildcards.split in SPLITS else []


def mixed_index(wildcards):
    """The index of the recordings that a split is mixed from, if it is mixed."""
    return [rules.soundbank.output.index] if wildcards.split in SPLITS else []


def head_inputs(wildcards):
    """The clip heads learn from pooled features, the framewise heads from those of every frame."""
    kind = "frames" if MODELS[wildcards.model] else "clips"
    files = {"times": "<results>/features/train/times.npy"}
    for split in ["train", "validation"] if TRAINED_ON[wildcards.model] == "train" else ["validation"]:
        files[f"{split}_features"] = f"<results>/features/{split}/{kind}.npy"
        files[f"{split}_clips"] = f"<results>/mixtures/{split}/clips.csv"
        files[f"{split}_events"] = f"<results>/mixtures/{split}/events.tsv"
    if WITH_LEVELS[wildcards.model]:
        files |= {"levels_features": f"<results>/features/levels/{kind}.npy", "levels_clips": rules.levels.output.gains}
    return files


def attribution_head(wildcards):
    """The head of the classifier that is explained."""
    return f"<results>/models/{CONFIG.model_of(wildcards.source)}/seed{{seed}}.safetensors"


def attribution_head_of_detector(wildcards):
    """The head of the classifier that sees masked clips."""
    return f"<results>/models/{CONFIG.model_of(wildcards.detector)}/seed{{seed}}.safetensors"


def framewise_head(wildcards):
    """The head that a framewise detector applies."""
    return attribution_head_of_detector(wildcards)


def features_of(detector, file):
    """A file of the features that a detector looks at: the body's, or those of the body with shuffled weights."""
    body = "random_body/" if CONFIG.chosen(detector).control == "random_body" else ""
    return f"<results>/features/{body}{{split}}/{file}"


def framewise_features(wildcards):
    """The frames that a framewise detector looks at."""
    return features_of(wildcards.detector, "frames.npy")


def pooled_features(wildcards):
    """The pooled embeddings of whole clips, beside those of masked ones."""
    return features_of(wildcards.detector, "clips.npy")


def scored_classes(wildcards):
    """Which classes are scored in a clip, for detectors whose scores depend on it."""
    wanted = CONFIG.chosen(wildcards.detector).of_predictions
    return ["<results>/predictions/seed{seed}/{split}.csv"] if wanted else []


def attribution_sounds(wildcards):
    """The sounds of training clips that a method takes."""
    return [f"<results>/sounds/{kind}.npy"] if (kind := SOUNDS[wildcards.source]) else []


def shard_size(source):
    """Clips of a job that explains or masks."""
    return CONFIG.clips_of_job(source, gpu=GPU)


def attribution_clips(wildcards):
    """First clip of a job and the one after its last."""
    return shards.bounds(int(wildcards.shard), shard_size(wildcards.source), CLIPS[wildcards.split])


def mask_clips(wildcards):
    """First clip of a job and the one after its last."""
    return shards.bounds(int(wildcards.shard), shard_size(wildcards.masks), CLIPS[wildcards.split])


def of_shards(pattern, source, split):
    """A file of each job that explains or masks clips of a split."""
    return collect(pattern, shard=range(shards.number(shard_size(source), CLIPS[split])), source=source)


def attribution_shards(wildcards):
    """The attributions that a detector's scores are made of."""
    pattern = "<results>/attributions/{source}/seed{{seed}}/{{split}}/{shard}.parquet"
    return of_shards(pattern, SOURCES_OF[wildcards.detector], wildcards.split)


def attribution_tables(wildcards):
    """What is known of each of these attributions."""
    pattern = "<results>/attributions/{source}/seed{{seed}}/{{split}}/{shard}.csv"
    return of_shards(pattern, SOURCES_OF[wildcards.detector], wildcards.split)


def mask_shards(wildcards):
    """The embeddings of masked clips that a detector's scores are made of."""
    pattern = "<results>/masked/{source}/{{split}}/{shard}.parquet"
    return of_shards(pattern, MASKS_OF[wildcards.detector], wildcards.split)


def mask_recipe(wildcards):
    """What masks, and what replaces a masked part, depend on."""
    return CONFIG.chosen(wildcards.masks).recipe


def scores_of(detector, split):
    """All frame-score files of a detector on a split."""
    return collect(
        "<results>/scores/{detector}/seed{seed}/{split}.parquet",
        detector=detector,
        seed=CONFIG.seeds_of(detector),
        split=split,
    )


def swept(wildcards):
    """The values of the parameters of a detector's threshold rules."""
    return CONFIG.evaluation.swept(CONFIG.chosen(wildcards.detector).logits)


def judging(wildcards):
    """How a detector is judged."""
    protocols = CONFIG.evaluation.protocols_of(CONFIG.chosen(wildcards.detector).logits)
    return JUDGING | {"protocols": {name: tuple(protocol) for name, protocol in protocols.items()}}


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


def is_wanted(detector=None, model=None, seed=None, split=None, shard=None, source=None, masks=None, kind=None):
    """Whether the experiment has an output with such wildcards."""
    seeds = CONFIG.seeds_of(detector) if detector in CHOSEN else CONFIG.training.seeds
    cut = source if source in SOURCES_OF.values() else masks
    if cut in CHOSEN and shard is not None:
        count = shards.number(shard_size(cut), CLIPS[split])
    else:
        count = -(-getattr(CONFIG.mixtures.clips, split or "train", 0) // CONFIG.mixtures.shard)
    return (
        detector in (None, *CHOSEN)
        and model in (None, *MODELS)
        and (seed is None or int(seed) in seeds)
        and split in (None, *SPLITS, *JUDGED)
        and (shard is None or int(shard) < count)
        and source in (None, *SOURCES, *SOURCES_OF.values())
        and masks in (None, *MASKS_OF.values())
        and kind in (None, *SOUNDS.values())
    )


def page_sources(wildcards):
    """Of every split that is judged, what the clips of the page are made of, for the first seed."""
    files = {}
    for split in JUDGED:
        files |= {
            f"{split}_pairs": [f"<results>/evaluation/{name}/{split}_pairs.parquet" for name in CHOSEN],
            f"{split}_scores": [path for name in CHOSEN for path in scores_of(name, split)[:1]],
            f"{split}_clips": f"<results>/mixtures/{split}/clips.csv",
            f"{split}_events": f"<results>/mixtures/{split}/events.tsv",
            f"{split}_audio": f"<results>/mixtures/{split}/audio",
        }
    return files


def page_settings(wildcards):
    """What the page is told about the experiment; see `igsed.report.page.Settings`."""
    return {
        "experiment": CONFIG.experiment,
        "labels": LABELS,
        "detectors": CONFIG.detector_names,
        "drawn": CONFIG.drawn,
        "controls": CONFIG.controls,
        "explanations": CONFIG.explanations,
        "truth": [name for name in CHOSEN if name not in CONFIG.ranked],
        "reference": CONFIG.evaluation.shared_from,
        "protocols": {name: tuple(protocol) for name, protocol in CONFIG.evaluation.protocols.items()},
        "metrics": CONFIG.evaluation.metrics,
        "seed": CONFIG.training.seeds[0],
        "passes": CONFIG.passes,
    } | CONFIG.page.model_dump()


def given_files(wildcards):
    """Digest of the files from which scores are taken: it changes when one does."""
    folder = pathlib.Path(CHOSEN[wildcards.detector]["settings"]["path"])
    return provenance.inventory(path for path in folder.rglob("*") if path.suffix in (".tsv", ".parquet"))
