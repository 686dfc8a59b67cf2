# Every detector's frame scores. From here on nothing knows where a score came from.


rule training_sounds:
    input:
        clips="<results>/mixtures/train/clips.csv",
        events="<results>/mixtures/train/events.tsv",
        audio="<results>/mixtures/train/audio",
    output:
        sounds="<results>/sounds/{kind}.npy",
    log:
        "<logs>/training_sounds/{kind}.log",
    benchmark:
        "<benchmarks>/training_sounds/{kind}.tsv"
    wildcard_constraints:
        kind="backgrounds|clips",
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=code("training_sounds"),
        seed=CONFIG.seed,
    script:
        "../scripts/training_sounds.py"


# A job of some clips. Results of an earlier run that still hold are taken over, clip by clip (igsed.shards), so further
# clips cost no more than themselves. So that they are there when the job begins, its outputs are updated, not removed.
rule attribute:
    input:
        weights=WEIGHTS,
        head=attribution_head,
        predictions="<results>/predictions/seed{seed}/{split}.csv",
        clips="<results>/mixtures/{split}/clips.csv",
        audio="<results>/mixtures/{split}/audio",
        sounds=attribution_sounds,
    output:
        scores=update("<results>/attributions/{source}/seed{seed}/{split}/{shard}.parquet"),
        table=update("<results>/attributions/{source}/seed{seed}/{split}/{shard}.csv"),
    log:
        "<logs>/attribute/{source}_seed{seed}_{split}_{shard}.log",
    benchmark:
        "<benchmarks>/attribute/{source}_seed{seed}_{split}_{shard}.tsv"
    wildcard_constraints:
        source=one_of(SOURCES_OF.values()),
    # The longest jobs start first, so that nothing waits for the last of them.
    priority: 10
    conda:
        "../../envs/igsed.yaml"
    resources:
        gpu=GPU,
        mem_mb=growing(4000),
        runtime=growing(480),
    params:
        code=lookup(within=DETECTOR_CODE, dpath="{source}"),
        method=lookup(within=CHOSEN, dpath="{source}/method"),
        settings=lookup(within=CHOSEN, dpath="{source}/settings"),
        options=lookup(within=CHOSEN, dpath="{source}/options"),
        clips=attribution_clips,
        rate=CONFIG.mixtures.sample_rate,
        backbone=NETWORK,
        labels=LABELS,
        seed=CONFIG.seed,
        all_present=EXPLAINED,
    script:
        "../scripts/attribute.py"


rule merge:
    input:
        scores=attribution_shards,
        tables=attribution_tables,
        clips="<results>/mixtures/{split}/clips.csv",
    output:
        scores="<results>/scores/{detector}/seed{seed}/{split}.parquet",
        completeness="<results>/scores/{detector}/seed{seed}/{split}_completeness.csv",
    log:
        "<logs>/merge/{detector}_seed{seed}_{split}.log",
    benchmark:
        "<benchmarks>/merge/{detector}_seed{seed}_{split}.tsv"
    wildcard_constraints:
        detector=one_of(METHODS),
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=code("merge"),
        options=lookup(within=CHOSEN, dpath="{detector}/options"),
    script:
        "../scripts/merge.py"


# Like `attribute`: a job of some clips, of which those are taken over whose embeddings are there.
rule mask:
    input:
        weights=WEIGHTS,
        clips="<results>/mixtures/{split}/clips.csv",
        audio="<results>/mixtures/{split}/audio",
    output:
        embeddings=update("<results>/masked/{masks}/{split}/{shard}.parquet"),
    log:
        "<logs>/mask/{masks}_{split}_{shard}.log",
    benchmark:
        "<benchmarks>/mask/{masks}_{split}_{shard}.tsv"
    wildcard_constraints:
        masks=one_of(MASKS_OF.values()),
    priority: 10
    conda:
        "../../envs/igsed.yaml"
    resources:
        gpu=GPU,
        mem_mb=growing(4000),
        runtime=growing(480),
    params:
        code=lookup(within=MASK_CODE, dpath="{masks}"),
        method=lookup(within=CHOSEN, dpath="{masks}/method"),
        recipe=mask_recipe,
        control=lookup(within=CHOSEN, dpath="{masks}/options/control"),
        clips=mask_clips,
        backbone=NETWORK,
        seed=CONFIG.seed,
    script:
        "../scripts/mask.py"


rule masked:
    input:
        embeddings=mask_shards,
        head=attribution_head_of_detector,
        features=pooled_features,
        predictions="<results>/predictions/seed{seed}/{split}.csv",
        clips="<results>/mixtures/{split}/clips.csv",
    output:
        scores="<results>/scores/{detector}/seed{seed}/{split}.parquet",
    log:
        "<logs>/masked/{detector}_seed{seed}_{split}.log",
    benchmark:
        "<benchmarks>/masked/{detector}_seed{seed}_{split}.tsv"
    wildcard_constraints:
        detector=one_of(MASKED),
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        code=lookup(within=DETECTOR_CODE, dpath="{detector}"),
        method=lookup(within=CHOSEN, dpath="{detector}/method"),
        settings=lookup(within=CHOSEN, dpath="{detector}/settings"),
        options=lookup(within=CHOSEN, dpath="{detector}/options"),
        labels=LABELS,
        seed=CONFIG.seed,
        all_present=EXPLAINED,
    script:
        "../scripts/masked.py"


rule framewise:
    input:
        head=framewise_head,
        frames=framewise_features,
        times="<results>/features/{split}/times.npy",
        predictions=scored_classes,
        clips="<results>/mixtures/{split}/clips.csv",
    output:
        scores="<results>/scores/{detector}/seed{seed}/{split}.parquet",
    log:
        "<logs>/framewise/{detector}_seed{seed}_{split}.log",
    benchmark:
        "<benchmarks>/framewise/{detector}_seed{seed}_{split}.tsv"
    wildcard_constraints:
        detector=one_of(FRAMEWISE),
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=lookup(within=DETECTOR_CODE, dpath="{detector}"),
        method=lookup(within=CHOSEN, dpath="{detector}/method"),
        settings=lookup(within=CHOSEN, dpath="{detector}/settings"),
        options=lookup(within=CHOSEN, dpath="{detector}/options"),
        labels=LABELS,
        seed=CONFIG.seed,
        all_present=EXPLAINED,
        upsampling=CONFIG.evaluation.upsampling,
    script:
        "../scripts/framewise.py"


rule baseline:
    input:
        predictions=scored_classes,
        clips="<results>/mixtures/{split}/clips.csv",
        audio="<results>/mixtures/{split}/audio",
    output:
        scores="<results>/scores/{detector}/seed{seed}/{split}.parquet",
    log:
        "<logs>/baseline/{detector}_seed{seed}_{split}.log",
    benchmark:
        "<benchmarks>/baseline/{detector}_seed{seed}_{split}.tsv"
    wildcard_constraints:
        detector=one_of(WAVEFORM),
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(30),
    params:
        code=lookup(within=DETECTOR_CODE, dpath="{detector}"),
        method=lookup(within=CHOSEN, dpath="{detector}/method"),
        settings=lookup(within=CHOSEN, dpath="{detector}/settings"),
        options=lookup(within=CHOSEN, dpath="{detector}/options"),
        labels=LABELS,
        seed=CONFIG.seed,
        all_present=EXPLAINED,
    script:
        "../scripts/baseline.py"


rule truth:
    input:
        predictions=scored_classes,
        clips="<results>/mixtures/{split}/clips.csv",
        events="<results>/mixtures/{split}/events.tsv",
    output:
        scores="<results>/scores/{detector}/seed{seed}/{split}.parquet",
    log:
        "<logs>/truth/{detector}_seed{seed}_{split}.log",
    benchmark:
        "<benchmarks>/truth/{detector}_seed{seed}_{split}.tsv"
    wildcard_constraints:
        detector=one_of(TRUTH),
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(30),
    params:
        code=lookup(within=DETECTOR_CODE, dpath="{detector}"),
        method=lookup(within=CHOSEN, dpath="{detector}/method"),
        settings=lookup(within=CHOSEN, dpath="{detector}/settings"),
        options=lookup(within=CHOSEN, dpath="{detector}/options"),
        labels=LABELS,
        seed=CONFIG.seed,
        all_present=EXPLAINED,
    script:
        "../scripts/truth.py"


rule given:
    input:
        predictions=scored_classes,
        clips="<results>/mixtures/{split}/clips.csv",
    output:
        scores="<results>/scores/{detector}/seed{seed}/{split}.parquet",
    log:
        "<logs>/given/{detector}_seed{seed}_{split}.log",
    benchmark:
        "<benchmarks>/given/{detector}_seed{seed}_{split}.tsv"
    wildcard_constraints:
        detector=one_of(GIVEN),
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=lookup(within=DETECTOR_CODE, dpath="{detector}"),
        method=lookup(within=CHOSEN, dpath="{detector}/method"),
        settings=lookup(within=CHOSEN, dpath="{detector}/settings"),
        options=lookup(within=CHOSEN, dpath="{detector}/options"),
        labels=LABELS,
        seed=CONFIG.seed,
        all_present=EXPLAINED,
        files=given_files,
    script:
        "../scripts/given.py"
