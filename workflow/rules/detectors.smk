# Every detector's frame scores. From here on nothing knows where a score came from.


rule attribute:
    input:
        weights=WEIGHTS,
        head="<results>/models/clip/seed{seed}.safetensors",
        predictions="<results>/predictions/seed{seed}/{split}.csv",
        clips="<results>/mixtures/{split}/clips.csv",
        audio="<results>/mixtures/{split}/audio",
    output:
        scores="<results>/scores/{detector}/seed{seed}/{split}.parquet",
        completeness="<results>/scores/{detector}/seed{seed}/{split}_completeness.csv",
    log:
        "<logs>/attribute/{detector}_seed{seed}_{split}.log",
    benchmark:
        "<benchmarks>/attribute/{detector}_seed{seed}_{split}.tsv"
    wildcard_constraints:
        detector=one_of(METHODS),
    # The longest jobs start first, so that nothing waits for the last of them.
    priority: 10
    conda:
        "../../envs/igsed.yaml"
    resources:
        gpu=GPU,
        mem_mb=growing(4000),
        runtime=growing(480),
    params:
        code=lookup(within=DETECTOR_CODE, dpath="{detector}"),
        method=lookup(within=CHOSEN, dpath="{detector}/method"),
        settings=lookup(within=CHOSEN, dpath="{detector}/settings"),
        backbone=NETWORK,
        labels=LABELS,
        seed=CONFIG.seed,
        all_present="present" in [CONFIG.evaluation.pairs, *CONFIG.evaluation.also],
    script:
        "../scripts/attribute.py"


rule framewise:
    input:
        head="<results>/models/{detector}/seed{seed}.safetensors",
        frames="<results>/features/{split}/frames.npy",
        times="<results>/features/{split}/times.npy",
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
        labels=LABELS,
        upsampling=CONFIG.evaluation.upsampling,
    script:
        "../scripts/framewise.py"


rule baseline:
    input:
        clips="<results>/mixtures/{split}/clips.csv",
        audio="<results>/mixtures/{split}/audio",
    output:
        scores="<results>/scores/{detector}/seed0/{split}.parquet",
    log:
        "<logs>/baseline/{detector}_{split}.log",
    benchmark:
        "<benchmarks>/baseline/{detector}_{split}.tsv"
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
        labels=LABELS,
        seed=CONFIG.seed,
    script:
        "../scripts/baseline.py"


rule given:
    input:
        clips="<results>/mixtures/{split}/clips.csv",
    output:
        scores="<results>/scores/{detector}/seed0/{split}.parquet",
    log:
        "<logs>/given/{detector}_{split}.log",
    benchmark:
        "<benchmarks>/given/{detector}_{split}.tsv"
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
        files=given_files,
        labels=LABELS,
    script:
        "../scripts/given.py"
