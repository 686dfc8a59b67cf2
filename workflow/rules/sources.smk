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


if SOUNDBANK.makes:

    rule make_soundbank:
        output:
            folder=directory(SOUNDBANK_FOLDER),
        log:
            "<logs>/make_soundbank.log",
        benchmark:
            "<benchmarks>/make_soundbank.tsv"
        retries: int(SOUNDBANK.downloads)
        # Where the network is, also when the others run on a cluster.
        localrule: SOUNDBANK.downloads
        conda:
            "../../envs/igsed.yaml"
        resources:
            mem_mb=growing(1000),
            runtime=growing(120),
        params:
            code=code("make_soundbank"),
            kind=CONFIG.soundbank.kind,
            recipe=SOUNDBANK.recipe(CONFIG.soundbank, LABELS, CONFIG.seed, CONFIG.mixtures.sample_rate),
            files=FILES["soundbank"],
            downloads=f"resources/downloads/{SOUNDBANK.name}",
        script:
            "../scripts/make_soundbank.py"


rule soundbank:
    input:
        recordings=list(PLACES.values()),
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
        settings=CONFIG.soundbank.model_dump(mode="json"),
        places=list(PLACES),
        files=FILES["soundbank"],
    script:
        "../scripts/soundbank.py"


rule weights:
    input:
        fetched=collect("<resources>/sources/{source}", source=BACKBONE.sources(CONFIG.backbone)),
    output:
        weights=WEIGHTS,
    log:
        "<logs>/weights.log",
    benchmark:
        "<benchmarks>/weights.tsv"
    retries: int(BACKBONE.downloads(CONFIG.backbone))
    localrule: BACKBONE.downloads(CONFIG.backbone)
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=code("weights"),
        backbone=CONFIG.backbone.name,
        # In a mapping, since braces in plain text would be wildcards.
        own={"weights": OWN_WEIGHTS},
        files=FILES["weights"],
        downloads=subpath(output.weights, parent=True),
    script:
        "../scripts/weights.py"
