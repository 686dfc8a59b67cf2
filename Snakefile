# The whole benchmark: source recordings -> mixtures -> frozen body -> heads -> frame scores -> metrics -> tables, figures.
import os
import sys

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

min_version("9.13")

# This checkout's package, also where another one is installed.
sys.path[:0] = [workflow.basedir, os.path.join(workflow.basedir, "workflow")]

import hooks
import snakemake_repairs as repairs

repairs.take_paths_as_they_are()
repairs.check_folder(workflow)
SHOWN = hooks.Shown(workflow)


configfile: "config.yaml"


include: "workflow/rules/common.smk"


pathvars:
    results=f"results/{CONFIG.experiment}",
    logs=f"results/{CONFIG.experiment}/logs",
    benchmarks=f"results/{CONFIG.experiment}/benchmarks",


include: "workflow/rules/digests.smk"
include: "workflow/rules/inputs.smk"
include: "workflow/rules/sources.smk"
include: "workflow/rules/mixtures.smk"
include: "workflow/rules/models.smk"
include: "workflow/rules/detectors.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/outputs.smk"


report: "workflow/report/workflow.rst"


rule all:
    default_target: True
    input:
        tables=collect("<results>/tables/{table}.{suffix}", table=TABLES, suffix=["csv", "html", "md"]),
        figures=collect(
            "<results>/figures/{figure}.{suffix}",
            figure=FIGURES,
            suffix=["svg", "png"],
        ),
        metrics=rules.metrics.output,
        strata=rules.strata.output,
        page=rules.page.output,
        manifest=rules.manifest.output,
        unfinished=unfinished,
    localrule: True


onstart:
    hooks.start(workflow, CONFIG, SHOWN)


onsuccess:
    hooks.finish(workflow, CONFIG, SHOWN)


onerror:
    hooks.explain(log, SHOWN)
