"""Figure 2: clips, what sounds in them, and what each detector says."""

import pandas as pd

from igsed import audio, clips, evaluation, scores, thresholds
from igsed.errors import InputError
from igsed.jobs.console import job
from igsed.report import figures

with job(snakemake.log[0], snakemake.output, snakemake.input) as out:
    files, params = snakemake.input, snakemake.params
    shown = [("seed", "==", params.seed), ("protocol", "==", "own")]
    judged = {n: pd.read_parquet(path, filters=shown) for n, path in zip(params.detectors, files.pairs, strict=True)}
    paths = pd.read_csv(files.clips).set_index("clip")["path"]
    _, events = clips.read(files.clips, files.events)
    if judged[params.reference].empty:
        raise InputError(
            f"seed {params.seed}: no class was both predicted and present in a test clip, so no example can be shown. "
            "Train on more clips (mixtures.clips.train) or set evaluation.pairs to present."
        )
    pairs = evaluation.representative(judged[params.reference], params.examples)[["clip", "label"]]
    # One detector's scores at a time; of them only those that are shown stay in memory.
    found = {
        n: evaluation.rows_of(scores.read(path), pairs) for n, path in zip(params.detectors, files.scores, strict=True)
    }
    examples = []
    for place, pair in enumerate(pairs.itertuples()):
        curves = {name: values[place] for name, values in found.items()}
        rows = {name: t[(t["clip"] == pair.clip) & (t["label"] == pair.label)].iloc[0] for name, t in judged.items()}
        waveform, sample_rate = audio.read(paths[pair.clip])
        examples.append(
            figures.Example(
                pair.clip,
                pair.label,
                waveform,
                sample_rate,
                events[events["clip"] == pair.clip].rename(columns={"event_label": "label"})[
                    ["onset", "offset", "label"]
                ],
                curves,
                {name: thresholds.percentile_mask(curve, rows[name]["percentile"]) for name, curve in curves.items()},
                {name: row["iou"] for name, row in rows.items()},
            )
        )
    figures.save(figures.examples(examples), out.svg, out.png)
