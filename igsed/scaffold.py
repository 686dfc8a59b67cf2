"""A detector to start from: `igsed new detector NAME` writes its file, its test and an experiment."""

import importlib.util
import keyword
import re
from pathlib import Path
from string import Template

from igsed.config.detectors import NAME
from igsed.detectors import DETECTORS
from igsed.errors import InputError

_DETECTOR = Template('''"""The detector $name: gradient × input, smoothed over time.

It works as it stands. Put your own method into `scores`, and its settings into `Settings`; docs/detectors.md says what
a method gets and returns. `igsed test $name.py` tests it.
"""

from typing import Annotated

from pydantic import Field

from igsed.detectors import OfClassifier
from igsed.settings import Section


class Settings(Section):
    """Mean absolute gradient × input of each frame, smoothed over time."""

    smoothing: Annotated[int, Field(ge=0)] = Field(
        1, description="frames of 100 ms before and after a frame with which its score is averaged"
    )


def scores(classifier, waveform, targets, smoothing):
    """One clip (samples,) and class indices → scores (target, frame), higher where the class is thought to sound."""
    import torch  # here, so that naming the detector in a configuration does not import torch

    from igsed.attribution import frame_scores

    clip = waveform[None].clone().requires_grad_()
    logits = classifier(clip)[0]
    gradients = [torch.autograd.grad(logits[target], clip, retain_graph=True)[0][0] for target in targets]
    frames = frame_scores(torch.stack(gradients) * waveform, classifier.sample_rate)
    width = 2 * smoothing + 1
    return torch.nn.functional.avg_pool1d(frames, width, stride=1, padding=smoothing, count_include_pad=False)


DETECTOR = OfClassifier(
    name="$name",
    title="$title",
    citation="",
    settings=Settings,
    run=scores,
    score="mean absolute gradient × input",
)
''')

_TEST = Template('''"""What every detector must do, tested on $name."""

from $name import DETECTOR

from igsed import conformance


def test_it_does_what_every_detector_must():
    failed = [f"{check.name}: {check.told}" for check in conformance.run(DETECTOR) if not check.passed]
    assert not failed, "\\n".join(failed)
''')

_EXPERIMENT = Template("""# $title beside IG and the two baselines, on the generated sounds of config.yaml.
experiment: $name

detectors:
  - ig
  - {name: $name, method: "$name:DETECTOR", smoothing: 1}
  - random
  - energy
""")


def new_detector(name: str, folder: str | Path = ".") -> list[Path]:
    """Write a detector that works, its test and an experiment; returns the files.

    Parameters
    ----------
    name : str
        What the detector, its module and the experiment are called.
    folder : path
        Where they are written.

    Raises
    ------
    InputError
        The name is not possible or taken, a file exists, or the folder cannot be written to. Nothing is written then.
    """
    if not re.fullmatch(NAME, name) or keyword.iskeyword(name):
        raise InputError(
            f"{name!r}: no name for a detector. Use a lower-case letter, then at most 59 lower-case letters, digits or "
            "underscores, and no word of Python's own."
        )
    if name in DETECTORS.names:
        raise InputError(f"{name}: is a detector already ({DETECTORS.module_of(name)}). Choose another name.")
    content = {f"{name}.py": _DETECTOR, f"test_{name}.py": _TEST, f"{name}.yaml": _EXPERIMENT}
    paths = {Path(folder, file): template for file, template in content.items()}
    for path in paths:
        if path.exists():
            raise InputError(f"{path}: exists already. Choose another name, or move the file away.")
    if importlib.util.find_spec(name) or Path(folder, name).exists():
        raise InputError(f"{name}: is a module or a folder already. Choose another name.")
    for path, template in paths.items():
        try:
            with open(path, "x", encoding="utf-8") as file:
                file.write(template.substitute(name=name, title=name.replace("_", " ").capitalize()))
        except OSError as error:
            raise InputError(f"{path}: cannot be written ({error.strerror}). Use another folder.") from None
    return list(paths)
