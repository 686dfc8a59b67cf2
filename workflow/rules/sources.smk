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
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        code=code("procedural_soundbank"),
        labels=LABELS,
        seed=CONFIG.seed,
        sample_rate=CONFIG.mixtures.sample_rate,
        recordings=CONFIG.soundbank.recordings.model_dump(),
        backgrounds=CONFIG.soundbank.backgrounds.model_dump(),
    script:
        "../scripts/procedural_soundbank.py"


rule soundbank:
    input:
        recordings=RECORDINGS,
    output:
        index="<results>/soundbank.csv",
    log:
        "<logs>/soundbank.log",
    benchmark:
        "<benchmarks>/soundbank.tsv"
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        code=code("soundbank"),
        labels=LABELS,
        root=soundbank_root,
        validation_share=CONFIG.soundbank.validation_share,
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
    retries: 1
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code("yamnet"),
        downloads=subpath(output.weights, parent=True),
    script:
        "../scripts/yamnet.py"
