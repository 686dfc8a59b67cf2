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
    params:
        code=code("features"),
        backbone=CONFIG.backbone.name,
    resources:
        gpu=GPU,
        mem_mb=3000,
        runtime=120,
    script:
        "../scripts/features.py"


def head_inputs(wildcards):
    """The clip head learns from pooled features, the framewise heads from those of every frame."""
    kind = "clips" if wildcards.model == "clip" else "frames"
    files = {"times": "<results>/features/train/times.npy"}
    for split in ["train", "validation"]:
        files[f"{split}_features"] = f"<results>/features/{split}/{kind}.npy"
        files[f"{split}_clips"] = f"<results>/mixtures/{split}/clips.csv"
        files[f"{split}_events"] = f"<results>/mixtures/{split}/events.tsv"
    return files


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
    params:
        code=code("train"),
        labels=LABELS,
        settings=CONFIG.training.model_dump(exclude={"seeds"}),
        root_seed=CONFIG.seed,
    resources:
        mem_mb=2000,
        runtime=60,
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
    params:
        code=code("classify"),
        labels=LABELS,
        decision=CONFIG.evaluation.decision,
    resources:
        mem_mb=1000,
        runtime=30,
    script:
        "../scripts/classify.py"
