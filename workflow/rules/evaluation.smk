# Thresholds from validation, metrics on test, intervals.


rule sweep:
    input:
        scores=validation_scores,
        predictions=collect("<results>/predictions/seed{seed}/validation.csv", seed=CONFIG.training.seeds),
        clips="<results>/mixtures/validation/clips.csv",
        events="<results>/mixtures/validation/events.tsv",
    output:
        sweep="<results>/evaluation/{detector}/sweep.csv",
        by_clip="<results>/evaluation/{detector}/sweep_by_clip.npz",
    log:
        "<logs>/sweep/{detector}.log",
    benchmark:
        "<benchmarks>/sweep/{detector}.tsv"
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        code=code("sweep"),
        seeds=CONFIG.training.seeds,
        swept=swept,
        pairs=CONFIG.evaluation.choices,
        select=CONFIG.evaluation.select,
    script:
        "../scripts/sweep.py"


rule evaluate:
    input:
        scores=split_scores,
        sweep=rules.sweep.output.sweep,
        by_clip=rules.sweep.output.by_clip,
        shared_sweep=f"<results>/evaluation/{CONFIG.evaluation.shared_from}/sweep.csv",
        shared_by_clip=f"<results>/evaluation/{CONFIG.evaluation.shared_from}/sweep_by_clip.npz",
        predictions=collect("<results>/predictions/seed{seed}/{{split}}.csv", seed=CONFIG.training.seeds),
        clips="<results>/mixtures/{split}/clips.csv",
        events="<results>/mixtures/{split}/events.tsv",
        conditions="<results>/mixtures/{split}/conditions.csv",
    output:
        pairs="<results>/evaluation/{detector}/{split}_pairs.parquet",
        detections="<results>/evaluation/{detector}/{split}_detections.csv",
        intervals="<results>/evaluation/{detector}/{split}_intervals.csv",
    log:
        "<logs>/evaluate/{detector}_{split}.log",
    benchmark:
        "<benchmarks>/evaluate/{detector}_{split}.tsv"
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        code=code("evaluate"),
        seeds=CONFIG.training.seeds,
        judging=judging,
        swept=swept,
        replicates=CONFIG.evaluation.bootstrap,
        confidence=CONFIG.evaluation.confidence,
        seed=CONFIG.seed,
    script:
        "../scripts/evaluate.py"


rule metrics:
    input:
        pairs=collect(
            "<results>/evaluation/{detector}/{split}_pairs.parquet",
            detector=CHOSEN,
            split=JUDGED,
        ),
        detections=collect(
            "<results>/evaluation/{detector}/{split}_detections.csv",
            detector=CHOSEN,
            split=JUDGED,
        ),
        intervals=collect(
            "<results>/evaluation/{detector}/{split}_intervals.csv",
            detector=CHOSEN,
            split=JUDGED,
        ),
        clips=collect("<results>/mixtures/{split}/clips.csv", split=JUDGED),
    output:
        metrics=report("<results>/metrics.csv", caption="../report/metrics.rst", category="Data"),
        intervals=report("<results>/intervals.csv", caption="../report/intervals.rst", category="Data"),
        differences=report("<results>/differences.csv", caption="../report/differences.rst", category="Data"),
        pairwise=report("<results>/pairwise.csv", caption="../report/pairwise.rst", category="Data"),
        ranking=report("<results>/ranking.csv", caption="../report/ranking_data.rst", category="Data"),
    log:
        "<logs>/metrics.log",
    benchmark:
        "<benchmarks>/metrics.tsv"
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        code=code("metrics"),
        labels=LABELS,
        splits=JUDGED,
        detectors=CONFIG.detector_names,
        metrics=CONFIG.evaluation.metrics,
        ranked=CONFIG.ranked,
        protocol=CONFIG.evaluation.main_protocols[0],
        choices={name: protocol.pairs for name, protocol in CONFIG.evaluation.protocols.items()},
        parameters=CONFIG.evaluation.parameters,
        reference=CONFIG.evaluation.shared_from,
        replicates=CONFIG.evaluation.bootstrap,
        confidence=CONFIG.evaluation.confidence,
        seed=CONFIG.seed,
    script:
        "../scripts/metrics.py"


rule strata:
    input:
        pairs=collect("<results>/evaluation/{detector}/{split}_pairs.parquet", detector=CHOSEN, split=JUDGED),
        clips=collect("<results>/mixtures/{split}/clips.csv", split=JUDGED),
        conditions=collect("<results>/mixtures/{split}/conditions.csv", split=JUDGED),
    output:
        strata=report("<results>/strata.csv", caption="../report/strata.rst", category="Data"),
    log:
        "<logs>/strata.log",
    benchmark:
        "<benchmarks>/strata.tsv"
    conda:
        "../../envs/igsed.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        code=code("strata"),
        splits=JUDGED,
        metrics=of_pairs(CONFIG.evaluation.chosen_metrics),
        protocol=CONFIG.evaluation.main_protocols[0],
        replicates=CONFIG.evaluation.bootstrap,
        confidence=CONFIG.evaluation.confidence,
        seed=CONFIG.seed,
    script:
        "../scripts/strata.py"
