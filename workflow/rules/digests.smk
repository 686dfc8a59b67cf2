# Digests of the code of jobs, with the components that they pick when they run. An edit of that code runs them again.
DIGEST = provenance.CodeDigest(workflow.basedir)
CODE = {
    path.stem: DIGEST(f"workflow/scripts/{path.name}")
    for path in sorted(pathlib.Path(workflow.basedir, "workflow", "scripts").glob("*.py"))
}
# What the configuration names is imported when it runs, so it is part of the code of the rules that name it.
METRIC_MODULES = [METRICS.module_of(name) for name in CONFIG.evaluation.metrics]
RULE_MODULES = [RULES.module_of(name) for name in CONFIG.evaluation.thresholds]
NAMED = {
    "sweep": [METRICS.module_of(CONFIG.evaluation.select), *RULE_MODULES],
    "evaluate": [*METRIC_MODULES, *RULE_MODULES],
    "metrics": METRIC_MODULES,
    "tables": [*METRIC_MODULES, *RULE_MODULES],
    "figure_examples": RULE_MODULES,
    "figure_thresholds": RULE_MODULES,
    "page": [*METRIC_MODULES, *RULE_MODULES],
}
CODE |= {name: DIGEST(f"workflow/scripts/{name}.py", *chosen) for name, chosen in NAMED.items()}
BACKBONE_MODULES = [NETWORKS.module_of(CONFIG.backbone.name), BACKBONE.network.partition(":")[0]]
CODE["features"] = DIGEST("workflow/scripts/features.py", *BACKBONE_MODULES)
CODE["weights"] = DIGEST("workflow/scripts/weights.py", *BACKBONE_MODULES, *BACKBONE.modules)
for name in ("soundbank", "make_soundbank"):
    CODE[name] = DIGEST(f"workflow/scripts/{name}.py", KINDS.module_of(CONFIG.soundbank.kind))
if REAL:
    CODE["recordings"] = DIGEST(
        "workflow/scripts/recordings.py",
        recordings.KINDS.module_of(CONFIG.recordings.kind),
    )
DETECTOR_CODE = {
    chosen.name: DIGEST(
        f"workflow/scripts/{script}.py", *chosen.modules, *(BACKBONE_MODULES if script == "attribute" else [])
    )
    for script, group in {
        "attribute": METHODS,
        "masked": MASKED,
        "framewise": FRAMEWISE,
        "baseline": WAVEFORM,
        "truth": TRUTH,
        "given": GIVEN,
    }.items()
    for chosen in group.values()
}
MASK_CODE = {
    name: DIGEST("workflow/scripts/mask.py", *CONFIG.chosen(name).modules, *BACKBONE_MODULES)
    for name in MASKS_OF.values()
}
for name in ("levels", "random_body"):
    CODE[name] = DIGEST(f"workflow/scripts/{name}.py", *BACKBONE_MODULES)
FIGURE_PIPELINE_CODE = DIGEST("workflow/scripts/figure_pipeline.py", *(chosen.module for chosen in CONFIG.detectors))
TRAIN_CODE = {
    name: DIGEST("workflow/scripts/train.py", *chosen.modules) if chosen else CODE["train"]
    for name, chosen in MODELS.items()
}
# The page's templates, style and scripts are no Python.
LOOK = [
    checksums.file_digest(path)
    for path in sorted(pathlib.Path(workflow.basedir, "igsed", "report", "page").glob("*.*"))
    if path.suffix in (".html", ".css", ".js")
]


def code(rule):
    """Digest of a script and of the package modules that it runs, whose edits run its jobs again."""
    return CODE[rule]
