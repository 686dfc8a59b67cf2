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


# The training clips at other levels (training.levels), whose labels are those of the clips.
rule levels:
    input:
        weights=WEIGHTS,
        clips="<results>/mixtures/train/clips.csv",
        audio="<results>/mixtures/train/audio",
    output:
        frames="<results>/features/levels/frames.npy",
        clips="<results>/features/levels/clips.npy",
        gains="<results>/features/levels/gains.csv",
    log:
        "<logs>/levels.log",
    benchmark:
        "<benchmarks>/levels.tsv"
    conda:
        "../../envs/igsed.yaml"
    resources:
        gpu=GPU,
        mem_mb=growing(3000),
        runtime=growing(120),
    params:
        code=code("levels"),
        backbone=NETWORK,
        levels=LEVELS,
        seed=CONFIG.seed,
    script:
        "../scripts/levels.py"


# Features of the body with shuffled weights, for the control of that name.
rule random_body:
    input:
        weights=WEIGHTS,
        clips="<results>/mixtures/{split}/clips.csv",
        audio="<results>/mixtures/{split}/audio",
    output:
        frames="<results>/features/random_body/{split}/frames.npy",
        clips="<results>/features/random_body/{split}/clips.npy",
    log:
        "<logs>/random_body/{split}.log",
    benchmark:
        "<benchmarks>/random_body/{split}.tsv"
    conda:
        "../../envs/igsed.yaml"
    resources:
        gpu=GPU,
        mem_mb=growing(3000),
        runtime=growing(120),
    params:
        code=code("random_body"),
        backbone=NETWORK,
        seed=CONFIG.seed,
    script:
        "../scripts/random_body.py"


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
        clips=CLIPS["train"],
        trained_on=lookup(within=TRAINED_ON, dpath="{model}"),
        detector=lookup(within=CHOSEN | dict.fromkeys(["clip", "clip_other_levels"]), dpath="{model}"),
        labels=LABELS,
        settings=CONFIG.training.model_dump(exclude={"seeds", "levels"}),
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
