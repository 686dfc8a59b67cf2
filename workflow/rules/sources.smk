# Source recordings and pretrained weights.


rule fetch:
    output:
        folder=directory("<resources>/sources/{source}"),
    log:
        "<logs>/fetch/{source}.log",
    benchmark:
        "<benchmarks>/fetch/{source}.tsv"
    retries: 1
    # Where the network is, also when the others run on a cluster.
    localrule: True
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=1000,
        runtime=1440,
    params:
        code=code("fetch"),
        files=lookup(within=SOURCES, dpath="{source}"),
        downloads="resources/downloads",
        lock="resources/sources.lock.json",
    script:
        "../scripts/fetch.py"


rule debian_soundbank:
    output:
        folder=directory("<resources>/free_sounds"),
    log:
        "<logs>/debian_soundbank.log",
    benchmark:
        "<benchmarks>/debian_soundbank.tsv"
    retries: 1
    localrule: True
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=1000,
        runtime=120,
    params:
        code=code("debian_soundbank"),
        table=soundbank_table,
        files=FILES["table"],
        downloads="resources/downloads/debian",
    script:
        "../scripts/debian_soundbank.py"


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
        mem_mb=growing(1000),
        runtime=growing(30),
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
        mem_mb=growing(1000),
        runtime=growing(30),
    params:
        code=code("soundbank"),
        labels=LABELS,
        kind=CONFIG.soundbank.kind,
        root=soundbank_root,
        files=FILES["soundbank"],
        backgrounds=CONFIG.soundbank.training_backgrounds,
        validation_share=CONFIG.soundbank.validation_share,
        official=CONFIG.soundbank.validation == "official",
    script:
        "../scripts/soundbank.py"


rule cnn14:
    input:
        folder="<resources>/sources/panns_cnn14",
    output:
        weights="<resources>/cnn14/cnn14.pth",
    log:
        "<logs>/cnn14.log",
    benchmark:
        "<benchmarks>/cnn14.tsv"
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=code("cnn14"),
    script:
        "../scripts/cnn14.py"


rule yamnet:
    output:
        weights="<resources>/yamnet/yamnet.safetensors",
        class_map="<resources>/yamnet/yamnet_class_map.csv",
    log:
        "<logs>/yamnet.log",
    benchmark:
        "<benchmarks>/yamnet.tsv"
    retries: 1
    localrule: True
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
