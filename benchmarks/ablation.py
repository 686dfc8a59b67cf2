"""What each of the engine's own kernels gains: integrated gradients with it, without it, and without any.

    python -m benchmarks.ablation [--networks cnn14 yamnet] [--rounds 7] [--seconds 2] [--pieces 8] [--threads 1]
                                  [--name ablation]

On networks with random weights and a clip of noise, two classes. In every round all variants
run in turn, so that a busy machine slows all of them; the ratio to the whole engine is taken within the round, and the
table has its median, smallest and largest. Writes a table to stdout and benchmarks/results/NAME.json.
"""

import argparse
import contextlib
import json
import time
from pathlib import Path
from unittest import mock

import pandas as pd
import torch

from igsed.attribution import convolution, rectifier
from igsed.attribution.ig import IntegratedGradients
from igsed.backbones import NETWORKS
from igsed.classifier import Classifier
from igsed.components import imported
from igsed.jobs import provenance

ROOT = Path(__file__).parents[1]
_planned = convolution.planned


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS.built_in))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--pieces", type=int, default=8)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--name", default="ablation")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    measured = pd.concat([measure(name, options) for name in options.networks], ignore_index=True)
    times = measured.groupby(["network", "variant"], sort=False)
    table = times[["seconds", "ratio"]].median()
    table["smallest"], table["largest"] = times["ratio"].min(), times["ratio"].max()
    print(table.reset_index().to_string(index=False, float_format=lambda value: f"{value:.3g}"))
    out = ROOT / "benchmarks" / "results" / f"{options.name}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    report = {"machine": provenance.machine(), "versions": provenance.versions(["torch"]), "options": vars(options)}
    report["summary"] = table.reset_index().to_dict("records")
    out.write_text(json.dumps(report | {"runs": measured.to_dict("records")}, indent=1) + "\n", encoding="utf-8")


def measure(name: str, options: argparse.Namespace) -> pd.DataFrame:
    """CPU seconds of every round and variant, and their ratio to the whole engine's: the gain of what is left out."""
    classifier = network(name)
    waveform = 0.1 * torch.randn(round(options.seconds * classifier.sample_rate))
    method, rows = IntegratedGradients(options.pieces, tolerance=None), []
    for number in range(-1, options.rounds):  # the first round compiles and fills caches
        seconds = {}
        for variant, left_out in variants().items():
            with contextlib.ExitStack() as stack:
                for patch in left_out:
                    stack.enter_context(patch)
                begin = time.process_time()
                method(classifier, waveform, [0, 1])
                seconds[variant] = time.process_time() - begin
        if number >= 0:
            rows += [(name, variant, each, each / seconds["whole"]) for variant, each in seconds.items()]
    return pd.DataFrame(rows, columns=["network", "variant", "seconds", "ratio"])


def network(name: str) -> Classifier:
    """A backbone with random weights, laid out in memory as `load` does, and a head of ten classes."""
    torch.manual_seed(0)
    network = NETWORKS.find(name)
    backbone = imported(network.network)().requires_grad_(False).eval()
    for buffer in backbone.buffers():
        if not buffer.any():  # a front end that comes with the weights
            torch.nn.init.uniform_(buffer, 0, 0.01)
    if network.channels_last:
        backbone = backbone.to(memory_format=torch.channels_last)
    return Classifier(backbone, torch.nn.Linear(backbone.embedding, 10).requires_grad_(False)).eval()


def variants() -> dict[str, list]:
    """What is left out, by name."""
    no_convolution = mock.patch.object(convolution, "planned", return_value=None)
    no_rectifier = mock.patch.object(rectifier, "_compiled", return_value=None)
    return {
        "whole": [],
        "without convolution.py": [no_convolution],
        "without its 1 × 1": [without(lambda weight: list(weight.shape[2:]) == [1, 1])],
        "without its single channel": [without(lambda weight: weight.shape[1] == 1)],
        "without its 3 × 3": [without(lambda weight: weight.shape[1] > 1 and list(weight.shape[2:]) == [3, 3])],
        "without rectifier.py's loop": [no_rectifier],
        "without both": [no_convolution, no_rectifier],
    }


def without(kind) -> contextlib.AbstractContextManager:
    """Convolutions of some weights as PyTorch computes them."""

    def planned(x, weight, *args, **kwargs):
        return None if kind(weight) else _planned(x, weight, *args, **kwargs)

    return mock.patch.object(convolution, "planned", planned)


if __name__ == "__main__":
    main()
