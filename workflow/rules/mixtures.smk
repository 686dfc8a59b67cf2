# Clips with known events: synthetic mixtures and real recordings.


rule mix:
    input:
        index=rules.soundbank.output.index,
        recordings=list(PLACES.values()),
    output:
        folder=directory("<results>/shards/{split}/{shard}"),
    log:
        "<logs>/mix/{split}_{shard}.log",
    benchmark:
        "<benchmarks>/mix/{split}_{shard}.tsv"
    wildcard_constraints:
        split="|".join(SPLITS),
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        code=code("mix"),
        protocol=CONFIG.mixtures.protocol._asdict(),
        conditions=paired_conditions,
        clips=clip_range,
        seed=CONFIG.seed,
    script:
        "../scripts/mix.py"


rule mixtures:
    input:
        shards=mixed_shards,
    output:
        audio=directory("<results>/mixtures/{split}/audio"),
        jams=directory("<results>/mixtures/{split}/jams"),
        clips="<results>/mixtures/{split}/clips.csv",
        events="<results>/mixtures/{split}/events.tsv",
    log:
        "<logs>/mixtures/{split}.log",
    benchmark:
        "<benchmarks>/mixtures/{split}.tsv"
    wildcard_constraints:
        split="|".join(SPLITS),
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(30),
    params:
        code=code("mixtures"),
        keep=lookup(within=KEEP, dpath="{split}"),
    script:
        "../scripts/mixtures.py"


rule recordings:
    input:
        files=REAL_RECORDINGS,
    output:
        audio=directory("<results>/mixtures/recordings/audio"),
        clips="<results>/mixtures/recordings/clips.csv",
        events="<results>/mixtures/recordings/events.tsv",
        counts=report(
            "<results>/mixtures/recordings/counts.csv",
            caption="../report/recordings_counts.rst",
            category="Data",
        ),
    log:
        "<logs>/recordings.log",
    benchmark:
        "<benchmarks>/recordings.tsv"
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        code=code("recordings"),
        source=CONFIG.recordings.model_dump(mode="json") if CONFIG.recordings else None,
        files=FILES["recordings"],
        labels=LABELS,
        window=CONFIG.mixtures.duration,
        sample_rate=CONFIG.mixtures.sample_rate,
        remove_offset=CONFIG.mixtures.remove_offset,
    script:
        "../scripts/recordings.py"


rule conditions:
    input:
        clips="<results>/mixtures/{split}/clips.csv",
        events="<results>/mixtures/{split}/events.tsv",
        # Of mixtures, which alone have them.
        jams=mixed_jams,
        index=mixed_index,
    output:
        conditions=report(
            "<results>/mixtures/{split}/conditions.csv",
            caption="../report/conditions.rst",
            category="Data",
        ),
    log:
        "<logs>/conditions/{split}.log",
    benchmark:
        "<benchmarks>/conditions/{split}.tsv"
    wildcard_constraints:
        split="|".join(JUDGED),
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code("conditions"),
        duration=CONFIG.mixtures.duration,
        variants=variants,
    script:
        "../scripts/conditions.py"
