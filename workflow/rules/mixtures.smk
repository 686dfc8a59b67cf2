# Synthetic clips with known events.


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


rule mix:
    input:
        index=rules.soundbank.output.index,
    output:
        folder=directory("<results>/shards/{split}/{shard}"),
    log:
        "<logs>/mix/{split}_{shard}.log",
    benchmark:
        "<benchmarks>/mix/{split}_{shard}.tsv"
    conda:
        "../../envs/igsed.yaml"
    params:
        code=code("mix"),
        protocol=CONFIG.mixtures.model_dump(exclude={"clips", "shard"}),
        clips=clip_range,
        seed=CONFIG.seed,
    resources:
        mem_mb=2000,
        runtime=60,
    script:
        "../scripts/mix.py"


rule mixtures:
    input:
        shards=shards,
    output:
        audio=directory("<results>/mixtures/{split}/audio"),
        jams=directory("<results>/mixtures/{split}/jams"),
        clips="<results>/mixtures/{split}/clips.csv",
        events="<results>/mixtures/{split}/events.tsv",
    log:
        "<logs>/mixtures/{split}.log",
    benchmark:
        "<benchmarks>/mixtures/{split}.tsv"
    conda:
        "../../envs/igsed.yaml"
    params:
        code=code("mixtures"),
        labels=LABELS,
    resources:
        mem_mb=1000,
        runtime=30,
    script:
        "../scripts/mixtures.py"
