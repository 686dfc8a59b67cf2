"""torchaudio without its compiled part: filter banks and resampling, which are pure Python on top of torch.

torchaudio's wheel for Linux is built against a CUDA build of torch. Beside a CPU build its compiled library cannot be
loaded, and ``import torchaudio`` fails with all the rest. torchaudio can do without the library, but only where the
file is missing; this module makes it believe that, without deleting a file. Where the library loads it is kept.

Take torchaudio from here: ``from igsed.pure_torchaudio import functional``. Later plain imports find it too.
"""

import importlib
import sys
from types import ModuleType


def _torchaudio() -> ModuleType:
    try:
        return importlib.import_module("torchaudio")
    except (OSError, RuntimeError):  # built against another torch, or against another CUDA
        # The import that failed has left its loader behind, which the next one takes.
        loader = sys.modules.get("torchaudio._extension.utils")
        if loader is None:
            raise
        vars(loader)["_load_lib"] = lambda library: False
        return importlib.import_module("torchaudio")


functional = _torchaudio().functional
