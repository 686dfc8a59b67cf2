# Synthetic clips with known events.


rule mix:
    input:
        index=rules.soundbank.output.index,
        recordings=RECORDINGS,
    output:
        folder=directory("<results>/shards/{split}/{shard}"),
    log:
        "<logs>/mix/{split}_{shard}.log",
    benchmark:
        "<benchmarks>/mix/{split}_{shard}.tsv"
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        code=code("mix"),
        protocol=CONFIG.mixtures.model_dump(exclude={"clips", "shard"}),
        clips=clip_range,
        seed=CONFIG.seed,
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
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        code=code("mixtures"),
    script:
        "../scripts/mixtures.py"
