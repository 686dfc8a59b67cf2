# What people look at: tables, figures, the manifest.


rule tables:
    input:
        intervals=rules.metrics.output.intervals,
        metrics=rules.metrics.output.metrics,
        ranking=rules.metrics.output.ranking,
        differences=rules.metrics.output.differences,
        predictions=collect("<results>/predictions/seed{seed}/test.csv", seed=CONFIG.training.seeds),
        attributions=collect(
            "<results>/scores/{detector}/seed{seed}/test_completeness.csv",
            detector=METHODS,
            seed=CONFIG.training.seeds,
        ),
    output:
        classification_csv="<results>/tables/classification.csv",
        classification_md="<results>/tables/classification.md",
        classification_html=report(
            "<results>/tables/classification.html",
            caption="../report/classification.rst",
            category="Tables",
            labels={"table": "I", "of": "clip classification"},
        ),
        classification_tex="<results>/tables/classification.tex",
        detection_csv="<results>/tables/detection.csv",
        detection_md="<results>/tables/detection.md",
        detection_html=report(
            "<results>/tables/detection.html",
            caption="../report/detection.rst",
            category="Tables",
            labels={"table": "II", "of": "temporal detection"},
        ),
        detection_tex="<results>/tables/detection.tex",
        per_class_csv="<results>/tables/per_class.csv",
        per_class_md="<results>/tables/per_class.md",
        per_class_html=report(
            "<results>/tables/per_class.html",
            caption="../report/per_class.rst",
            category="Tables",
            labels={"table": "III", "of": "detection per class"},
        ),
        per_class_tex="<results>/tables/per_class.tex",
        baselines_csv="<results>/tables/baselines.csv",
        baselines_md="<results>/tables/baselines.md",
        baselines_html=report(
            "<results>/tables/baselines.html",
            caption="../report/baselines.rst",
            category="Tables",
            labels={"table": "V", "of": "baselines"},
        ),
        baselines_tex="<results>/tables/baselines.tex",
        ranking_csv="<results>/tables/ranking.csv",
        ranking_md="<results>/tables/ranking.md",
        ranking_html=report(
            "<results>/tables/ranking.html",
            caption="../report/ranking.rst",
            category="Tables",
            labels={"table": "IV", "of": "ranks"},
        ),
        ranking_tex="<results>/tables/ranking.tex",
    log:
        "<logs>/tables.log",
    benchmark:
        "<benchmarks>/tables.tsv"
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code("tables"),
        seeds=CONFIG.training.seeds,
        detectors=CONFIG.detector_names,
        controls=CONFIG.controls,
        metrics=CONFIG.evaluation.metrics,
        rules=CONFIG.evaluation.thresholds,
        protocols=CONFIG.evaluation.main_protocols,
    script:
        "../scripts/tables.py"


rule data_report:
    input:
        index=rules.soundbank.output.index,
        clips=collect("<results>/mixtures/{split}/clips.csv", split=SPLITS),
        events=collect("<results>/mixtures/{split}/events.tsv", split=SPLITS),
        # Of real recordings, where there are any.
        real=collect("<results>/mixtures/{split}/counts.csv", split=JUDGED[1:]),
    output:
        csv="<results>/tables/data.csv",
        md="<results>/tables/data.md",
        caveats="<results>/tables/data_caveats.json",
        html=report(
            "<results>/tables/data.html",
            caption="../report/data.rst",
            category="Tables",
            labels={"table": "VI", "of": "recordings and clips"},
        ),
        svg=report(
            "<results>/figures/data.svg",
            caption="../report/data.rst",
            category="Figures",
            labels={"figure": "8", "of": "recordings"},
        ),
        png="<results>/figures/data.png",
    log:
        "<logs>/data_report.log",
    benchmark:
        "<benchmarks>/data_report.tsv"
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code("data_report"),
        splits=SPLITS,
        protocol=CONFIG.mixtures.protocol._asdict(),
        drawn=CONFIG.mixtures.clips.model_dump(),
        keep=KEEP,
    script:
        "../scripts/data_report.py"


rule table_recordings:
    input:
        intervals=rules.metrics.output.intervals,
        metrics=rules.metrics.output.metrics,
    output:
        csv="<results>/tables/recordings.csv",
        md="<results>/tables/recordings.md",
        html=report(
            "<results>/tables/recordings.html",
            caption="../report/recordings.rst",
            category="Tables",
            labels={"table": "VII", "of": "synthetic and real"},
        ),
        tex="<results>/tables/recordings.tex",
    log:
        "<logs>/table_recordings.log",
    benchmark:
        "<benchmarks>/table_recordings.tsv"
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code("table_recordings"),
        detectors=CONFIG.detector_names,
        protocols=CONFIG.evaluation.main_protocols,
    script:
        "../scripts/table_recordings.py"


rule figure_pipeline:
    output:
        svg=report(
            "<results>/figures/pipeline.svg",
            caption="../report/pipeline.rst",
            category="Figures",
            labels={"figure": "2", "of": "pipeline"},
        ),
        png="<results>/figures/pipeline.png",
    log:
        "<logs>/figure_pipeline.log",
    benchmark:
        "<benchmarks>/figure_pipeline.tsv"
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=FIGURE_PIPELINE_CODE,
        methods={name: chosen["method"] for name, chosen in CHOSEN.items()},
    script:
        "../scripts/figure_pipeline.py"


rule figure_examples:
    input:
        scores=[path for name in CONFIG.drawn for path in scores_of(name, "test")[:1]],
        pairs=collect("<results>/evaluation/{detector}/test_pairs.parquet", detector=CONFIG.drawn),
        clips="<results>/mixtures/test/clips.csv",
        events="<results>/mixtures/test/events.tsv",
        audio="<results>/mixtures/test/audio",
    output:
        svg=report(
            "<results>/figures/examples.svg",
            caption="../report/examples.rst",
            category="Figures",
            labels={"figure": "3", "of": "examples"},
        ),
        png="<results>/figures/examples.png",
        column_svg=report(
            "<results>/figures/examples_column.svg",
            caption="../report/examples_column.rst",
            category="Figures",
            labels={"figure": "3", "of": "examples, for one column"},
        ),
        column_png="<results>/figures/examples_column.png",
    log:
        "<logs>/figure_examples.log",
    benchmark:
        "<benchmarks>/figure_examples.tsv"
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        code=code("figure_examples"),
        detectors=CONFIG.drawn,
        explanations=CONFIG.explanations,
        choice=EXAMPLES,
    script:
        "../scripts/figure_examples.py"


rule figure_thresholds:
    input:
        sweeps=collect("<results>/evaluation/{detector}/sweep.csv", detector=WITH_LIMITS),
        # For what random scores are expected to reach.
        predictions=collect("<results>/predictions/seed{seed}/validation.csv", seed=CONFIG.training.seeds),
        clips="<results>/mixtures/validation/clips.csv",
        events="<results>/mixtures/validation/events.tsv",
    output:
        svg=report(
            "<results>/figures/thresholds.svg",
            caption="../report/thresholds.rst",
            category="Figures",
            labels={"figure": "4", "of": "threshold curves"},
        ),
        png="<results>/figures/thresholds.png",
    log:
        "<logs>/figure_thresholds.log",
    benchmark:
        "<benchmarks>/figure_thresholds.tsv"
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code("figure_thresholds"),
        pairs=CONFIG.evaluation.pairs,
        rules=CONFIG.evaluation.thresholds,
        duration=CONFIG.mixtures.duration,
    script:
        "../scripts/figure_thresholds.py"


rule figure_headline:
    input:
        table=rules.tables.output.detection_csv,
    output:
        svg=report(
            "<results>/figures/headline.svg",
            caption="../report/headline.rst",
            category="Figures",
            labels={"figure": "1", "of": "all detectors"},
        ),
        png="<results>/figures/headline.png",
        column_svg=report(
            "<results>/figures/headline_column.svg",
            caption="../report/headline_column.rst",
            category="Figures",
            labels={"figure": "1", "of": "all detectors, for one column"},
        ),
        column_png="<results>/figures/headline_column.png",
    log:
        "<logs>/figure_headline.log",
    benchmark:
        "<benchmarks>/figure_headline.tsv"
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code("figure_headline"),
        protocol=CONFIG.evaluation.main_protocols[0],
        controls=CONFIG.controls,
        drawn=CONFIG.drawn,
    script:
        "../scripts/figure_headline.py"


rule figure_per_class:
    input:
        table=rules.tables.output.per_class_csv,
    output:
        svg=report(
            "<results>/figures/per_class.svg",
            caption="../report/per_class_figure.rst",
            category="Figures",
            labels={"figure": "5", "of": "detection per class"},
        ),
        png="<results>/figures/per_class.png",
    log:
        "<logs>/figure_per_class.log",
    benchmark:
        "<benchmarks>/figure_per_class.tsv"
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code("figure_per_class"),
        detectors=CONFIG.drawn,
    script:
        "../scripts/figure_per_class.py"


rule figure_recordings:
    input:
        table="<results>/tables/recordings.csv",
    output:
        svg=report(
            "<results>/figures/recordings.svg",
            caption="../report/recordings_figure.rst",
            category="Figures",
            labels={"figure": "9", "of": "synthetic and real"},
        ),
        png="<results>/figures/recordings.png",
    log:
        "<logs>/figure_recordings.log",
    benchmark:
        "<benchmarks>/figure_recordings.tsv"
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code("figure_recordings"),
        detectors=CONFIG.drawn,
    script:
        "../scripts/figure_recordings.py"


rule figure_strata:
    input:
        table=rules.strata.output.strata,
    output:
        svg=report(
            "<results>/figures/strata.svg",
            caption="../report/strata_figure.rst",
            category="Figures",
            labels={"figure": "6", "of": "conditions"},
        ),
        png="<results>/figures/strata.png",
    log:
        "<logs>/figure_strata.log",
    benchmark:
        "<benchmarks>/figure_strata.tsv"
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code("figure_strata"),
        detectors=CONFIG.drawn,
    script:
        "../scripts/figure_strata.py"


rule figure_training:
    input:
        curves=collect("<results>/models/{model}/seed{seed}.csv", model=MODELS, seed=CONFIG.training.seeds),
    output:
        svg=report(
            "<results>/figures/training.svg",
            caption="../report/training.rst",
            category="Figures",
            labels={"figure": "7", "of": "training curves"},
        ),
        png="<results>/figures/training.png",
    log:
        "<logs>/figure_training.log",
    benchmark:
        "<benchmarks>/figure_training.tsv"
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code("figure_training"),
    script:
        "../scripts/figure_training.py"


rule page:
    input:
        unpack(page_sources),
        intervals=rules.metrics.output.intervals,
        metrics=rules.metrics.output.metrics,
        differences=rules.metrics.output.differences,
        pairwise=rules.metrics.output.pairwise,
        detection=rules.tables.output.detection_csv,
        data=rules.data_report.output.csv,
        caveats=rules.data_report.output.caveats,
        figures=collect("<results>/figures/{figure}.svg", figure=PAGE_FIGURES),
    output:
        **PAGE_SOUNDS,
        html="<results>/index.html",
    log:
        "<logs>/page.log",
    benchmark:
        "<benchmarks>/page.tsv"
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(20),
    params:
        code=code("page"),
        look=LOOK,
        splits=JUDGED,
        settings=page_settings,
        figures=PAGE_FIGURES,
        downloads=DOWNLOADS,
        sentence=SOUNDBANK.sentence(CONFIG.soundbank),
        real=REAL.title if REAL else "",
        backbone=CONFIG.backbone.name,
        random=CONFIG.seed,
        seeds=CONFIG.training.seeds,
        root=root,
    script:
        "../scripts/page.py"


rule manifest:
    input:
        sources=[
            rules.soundbank.output.index,
            WEIGHTS,
            *collect("<results>/mixtures/{split}/{part}", split=[*SPLITS, *JUDGED[1:]], part=["audio", "events.tsv"]),
        ],
        results=[
            rules.metrics.output,
            rules.strata.output,
            collect("<results>/mixtures/{split}/conditions.csv", split=JUDGED),
            collect("<results>/tables/{table}.{suffix}", table=TABLES, suffix=["csv", "html", "md"]),
            rules.data_report.output.caveats,
            collect("<results>/figures/{figure}.{suffix}", figure=FIGURES, suffix=["svg", "png"]),
            rules.page.output,
        ],
    output:
        manifest="<results>/manifest.json",
        config="<results>/config.yaml",
    log:
        "<logs>/manifest.log",
    benchmark:
        "<benchmarks>/manifest.tsv"
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code("manifest"),
        config=CONFIG.model_dump(mode="json"),
        digests=CODE | {f"detectors/{name}": digest for name, digest in DETECTOR_CODE.items()},
        root=root,
        device=DEVICE,
        folder=subpath(output.manifest, parent=True),
    script:
        "../scripts/manifest.py"
