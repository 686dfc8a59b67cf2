# Source recordings and pretrained weights.


rule procedural_soundbank:
    output:
        folder=directory("<results>/soundbank"),
    log:
        "<logs>/procedural_soundbank.log",
    benchmark:
        "<benchmarks>/procedural_soundbank.tsv"
    conda:
        "../../envs/igsed.yaml"
    params:
        code=code("procedural_soundbank"),
        labels=LABELS,
        seed=CONFIG.seed,
        sample_rate=CONFIG.mixtures.sample_rate,
        recordings=CONFIG.soundbank.recordings.model_dump(),
        backgrounds=CONFIG.soundbank.backgrounds.model_dump(),
    resources:
        mem_mb=1000,
        runtime=30,
    script:
        "../scripts/procedural_soundbank.py"


def recordings(wildcards):
    """What the soundbank is made of: the generated folder, or every file of the user's."""
    if CONFIG.soundbank.kind == "procedural":
        return rules.procedural_soundbank.output.folder
    try:
        return [str(path) for path in soundbank.files(CONFIG.soundbank.path, LABELS)]
    except InputError as error:
        raise WorkflowError(str(error))


rule soundbank:
    input:
        recordings=recordings,
    output:
        index="<results>/soundbank.csv",
    log:
        "<logs>/soundbank.log",
    benchmark:
        "<benchmarks>/soundbank.tsv"
    conda:
        "../../envs/igsed.yaml"
    params:
        code=code("soundbank"),
        labels=LABELS,
        root=CONFIG.soundbank.path if CONFIG.soundbank.kind == "folder" else f"results/{CONFIG.experiment}/soundbank",
        validation_share=CONFIG.soundbank.validation_share,
    resources:
        mem_mb=1000,
        runtime=30,
    script:
        "../scripts/soundbank.py"


rule yamnet:
    output:
        weights="<resources>/yamnet/yamnet.safetensors",
        class_map="<resources>/yamnet/yamnet_class_map.csv",
    log:
        "<logs>/yamnet.log",
    benchmark:
        "<benchmarks>/yamnet.tsv"
    conda:
        "../../envs/igsed.yaml"
    params:
        code=code("yamnet"),
        downloads=subpath(output.weights, parent=True),
    retries: 1
    resources:
        mem_mb=2000,
        runtime=30,
    script:
        "../scripts/yamnet.py"
