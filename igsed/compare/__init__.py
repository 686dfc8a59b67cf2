"""Experiments side by side: `igsed compare results/a results/b …`.

An experiment judges detectors on one soundbank, here a *bank*; its real recordings, where it has any, are a bank of
their own. `folders` reads and checks what experiments left behind, `differences` says in what they differ beside their
banks, `tables` puts the detectors' numbers beside each other, ranks them and says how far the banks agree, `places` how
far ranks can be trusted. `sections` and `answer` say that in words, `rows` has the detectors as people see them,
`figure` draws them, `numbers` has all for the page's script. `plain_text` makes Markdown of it, `page` the page, and
`writing` writes all files.

Conventions
-----------
- A detector is ranked among those that have a value in every bank. What is made from the events, such as the oracle, is
  shown and not ranked. Equal values share the mean of their ranks; rank 1 is the best.
- One name with different settings is several detectors, each with a row of its own.
- Nothing that a result folder names is imported: a folder may come from a stranger.
"""

from igsed.compare.folders import Bank, Experiment, read
from igsed.compare.plain_text import text
from igsed.compare.tables import Comparison, agreement, compare, ranked
from igsed.compare.writing import FILES, check, write

__all__ = [
    "FILES",
    "Bank",
    "Comparison",
    "Experiment",
    "agreement",
    "check",
    "compare",
    "ranked",
    "read",
    "text",
    "write",
]
