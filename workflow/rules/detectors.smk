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
        detector="|".join(METHODS) or "none",
    # The longest jobs start first, so that nothing waits for the last of them.
    priority: 10
    conda:
        "../../envs/igsed.yaml"
    resources:
        gpu=GPU,
        mem_mb=growing(4000),
        runtime=growing(480),
    params:
        code=lookup(within=ATTRIBUTE_CODE, dpath="{detector}"),
        function=lookup(within=METHODS, dpath="{detector}/function"),
        options=lookup(within=METHODS, dpath="{detector}/options"),
        backbone=NETWORK,
        labels=LABELS,
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
        detector="|".join(FRAMEWISE),
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=code("framewise"),
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
        detector="|".join(BASELINES),
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(30),
    params:
        code=code("baseline"),
        labels=LABELS,
        seed=CONFIG.seed,
    script:
        "../scripts/baseline.py"
