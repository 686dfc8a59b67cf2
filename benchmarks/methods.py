"""What every attribution method costs per (clip, class), and what Captum takes for the same method, in one run.

    python -m benchmarks.methods CLIPS… [--clips 3] [--classes 3] [--name methods]

CLIPS are sound files or folders. In every round, a clip, all methods run in turn, so that a busy machine slows all of
them; compare within a run only. Each explains its clip once for one class and once for several, whose further classes
show what a class costs when the clip is paid. Captum's methods are asked for the same (windows, masks, samples,
layers); where Captum needs another input (DeepLIFT: the log-mel spectrum), it gets it for nothing. Writes a table to
stdout and benchmarks/results/NAME.json.
"""

import json
import time
from collections.abc import Callable
from functools import partial

import captum.attr
import pandas as pd
import torch
from torch import Tensor, nn

from benchmarks.attribution import ROOT, load, machine, parser, sounds
from igsed import detectors
from igsed.classifier import Classifier
from igsed.detectors import DETECTORS, OfClassifier, OfMasks
from igsed.timeline import FRAME

CAPTUM_STEPS = 50
"""Points of Captum's integrated gradients, as in the paper."""


class Spectra(nn.Module):
    """From a linear mel spectrum, or from its logarithm, to clip logits."""

    def __init__(self, classifier: Classifier, logarithm: bool):
        super().__init__()
        self.classifier, self.logarithm = classifier, logarithm

    def forward(self, spectrum: Tensor) -> Tensor:
        """(batch, time, band) → (batch, class)."""
        backbone = self.classifier.backbone
        frames = backbone.body(spectrum.exp() if self.logarithm else spectrum)
        return self.classifier.head(backbone.project(frames.amax(1) + frames.mean(1)))


def captums(classifier: Classifier, clip: Tensor) -> dict[str, Callable[[int], object]]:
    """Name of igsed's method → Captum's for one class."""
    spectrum = classifier.backbone.spectrum(clip[None]).detach()
    mel, log_mel = Spectra(classifier, False), Spectra(classifier, True)
    logarithm = (spectrum + 1e-3).log()
    size = round(FRAME * classifier.sample_rate)
    cells = (torch.arange(len(clip)) // (3 * size))[None].to(clip.device)
    last = [module for module in classifier.backbone.modules() if isinstance(module, nn.ReLU)][-1]
    integrated = captum.attr.IntegratedGradients(classifier)
    found = {
        "ig": lambda k: integrated.attribute(clip[None], target=k, n_steps=CAPTUM_STEPS, internal_batch_size=5),
        "saliency": lambda k: captum.attr.Saliency(mel).attribute(spectrum.clone().requires_grad_(), target=k),
        "gradient_input": lambda k: captum.attr.InputXGradient(mel).attribute(
            spectrum.clone().requires_grad_(), target=k
        ),
        "smoothgrad": lambda k: captum.attr.NoiseTunnel(captum.attr.InputXGradient(classifier)).attribute(
            clip[None].clone().requires_grad_(), nt_samples=10, nt_samples_batch_size=5, stdevs=0.01, target=k
        ),
        "guided_backprop": lambda k: captum.attr.GuidedBackprop(mel).attribute(
            spectrum.clone().requires_grad_(), target=k
        ),
        "deep_lift": lambda k: captum.attr.DeepLift(log_mel).attribute(
            logarithm, torch.zeros_like(logarithm), target=k
        ),
        "grad_cam": lambda k: captum.attr.LayerGradCam(classifier, last).attribute(clip[None], target=k),
        "occlusion": lambda k: captum.attr.FeatureAblation(classifier).attribute(
            clip[None], feature_mask=cells, target=k, perturbations_per_eval=8
        ),
        "lime": lambda k: captum.attr.Lime(classifier).attribute(
            clip[None], feature_mask=cells, target=k, n_samples=60, perturbations_per_eval=8
        ),
        "kernel_shap": lambda k: captum.attr.KernelShap(classifier).attribute(
            clip[None], feature_mask=cells, target=k, n_samples=128, perturbations_per_eval=8
        ),
    }
    return found


def seconds(work: Callable[[], object]) -> float:
    """Of the processor, of this process."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def main() -> None:
    given = parser(__doc__.split("\n\n")[0], "methods", clips=3)
    given.add_argument("--classes", type=int, default=3)
    options = given.parse_args()
    torch.set_num_threads(options.threads)
    classifier = load(options).to(options.device)
    methods = {
        name: detectors.load(name) for name, d in DETECTORS.built_in.items() if isinstance(d, OfClassifier | OfMasks)
    }
    rows, classes = [], list(range(options.classes))
    clips = list(sounds(options, classifier.sample_rate))
    for number, (path, clip) in enumerate([*clips[:1], *clips]):  # in the first round caches are filled
        theirs = captums(classifier, clip)
        for name, method in methods.items():
            torch.manual_seed(0)
            row = {"method": name, "clip": path.stem, "one": seconds(partial(method, classifier, clip, [0]))}
            row["several"] = seconds(partial(method, classifier, clip, classes))
            if name in theirs:
                row["captum"] = seconds(partial(theirs[name], 0))
            if number:
                rows.append(row)
    measured = pd.DataFrame(rows)
    measured["class"] = (measured["several"] - measured["one"]) / (len(classes) - 1)
    measured["faster"] = measured["captum"] / measured["one"]
    table = measured.groupby("method")[["one", "class", "captum", "faster"]].median().sort_values("one")
    print(table.to_string(float_format=lambda value: f"{value:.3g}"))
    out = ROOT / "benchmarks" / "results" / f"{options.name}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    shown = {key: value for key, value in vars(options).items() if key in ("clips", "classes", "seconds", "backbone")}
    content = {"machine": machine(options), "options": shown, "rows": measured.to_dict("records")}
    out.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
