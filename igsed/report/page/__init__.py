"""The page of an experiment's results, `index.html`: the answer first, then numbers, clips to hear, provenance.

Conventions
-----------
The page needs no other file and no network; with `audio: link` it needs the folder `index_files` beside it. It is made
of `page.html` (a template), `page.css`, `player.js` (shared with `igsed explain`) and `page.js`, which are put into it,
and of numbers as JSON: those of the leaderboard (`leaderboard`), and one object for each clip (`clips`). The same
results give the same bytes. What users name (experiment, detectors, classes, clips) is escaped wherever it stands: in
HTML by the template, in JSON and SVG by `markup`; the script writes it as text only.

Detected frames are Python's for every protocol. The script computes them anew for the sliders, from the same 64-bit
scores by the same operations, so its IoU and F1 are Python's too.
"""

from igsed.report.page.clips import Source
from igsed.report.page.making import Made, Results, cited, make, write
from igsed.report.page.settings import Settings

__all__ = ["Made", "Results", "Settings", "Source", "cited", "make", "write"]
