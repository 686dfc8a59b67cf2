"""The page of an experiment's results, `index.html`: the answer first, then numbers, clips to hear, provenance.

Conventions
-----------
The page needs no other file and no network; with `audio: link` it needs the folder `index_files` beside it. It is made
of `page.html` (a template on `base.html`, with macros of `parts.html`), `page.css`, `elements.js`, `tools.js`,
`player.js` and `page.js`, which are put into it (`rendering`; the pages of `igsed explain` and `igsed compare` share
them), and of numbers as JSON: those of the leaderboard (`leaderboard`), and one object for each clip (`clips`). The
same results give the same bytes. What users name (experiment, detectors, classes, clips) is escaped wherever it
stands: in HTML by the template, in JSON and SVG by `markup`; the script writes it as text only.

Detected frames are Python's for every protocol. The script computes them anew for the sliders, from the same 64-bit
scores by the same operations, so its IoU and F1 are Python's too.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from igsed.report.page.clips import Source
    from igsed.report.page.making import Made, Results, make, write
    from igsed.report.page.settings import Settings

__all__ = ["Made", "Results", "Settings", "Source", "make", "write"]


def __getattr__(name: str) -> Any:
    # Other pages take their parts from here and do without matplotlib, which the clips of this one need.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from igsed.report.page import clips, making, settings

    return next(getattr(module, name) for module in (making, clips, settings) if hasattr(module, name))
