# The frozen body's output, computed once, and the linear heads trained on it.


rule features:
    input:
        weights=WEIGHTS,
        clips="<results>/mixtures/{split}/clips.csv",
        audio="<results>/mixtures/{split}/audio",
    output:
        frames="<results>/features/{split}/frames.npy",
        clips="<results>/features/{split}/clips.npy",
        times="<results>/features/{split}/times.npy",
    log:
        "<logs>/features/{split}.log",
    benchmark:
        "<benchmarks>/features/{split}.tsv"
    conda:
        "../../envs/igsed.yaml"
    resources:
        gpu=GPU,
        mem_mb=growing(3000),
        runtime=growing(120),
    params:
        code=code("features"),
        backbone=NETWORK,
    script:
        "../scripts/features.py"


rule train:
    input:
        unpack(head_inputs),
    output:
        head="<results>/models/{model}/seed{seed}.safetensors",
        curve="<results>/models/{model}/seed{seed}.csv",
    log:
        "<logs>/train/{model}_seed{seed}.log",
    benchmark:
        "<benchmarks>/train/{model}_seed{seed}.tsv"
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        code=lookup(within=TRAIN_CODE, dpath="{model}"),
        learns_from=lookup(within=LEARNS_FROM, dpath="{model}"),
        detector=lookup(within=CHOSEN | {"clip": None}, dpath="{model}"),
        labels=LABELS,
        settings=CONFIG.training.model_dump(exclude={"seeds"}),
        root_seed=CONFIG.seed,
    script:
        "../scripts/train.py"


rule classify:
    input:
        head="<results>/models/clip/seed{seed}.safetensors",
        features="<results>/features/{split}/clips.npy",
        clips="<results>/mixtures/{split}/clips.csv",
        events="<results>/mixtures/{split}/events.tsv",
    output:
        predictions="<results>/predictions/seed{seed}/{split}.csv",
    log:
        "<logs>/classify/seed{seed}_{split}.log",
    benchmark:
        "<benchmarks>/classify/seed{seed}_{split}.tsv"
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(30),
    params:
        code=code("classify"),
        labels=LABELS,
        decision=CONFIG.evaluation.decision,
    script:
        "../scripts/classify.py"
