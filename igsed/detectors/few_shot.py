"""Few-shot: FW-SS that learns from nothing but the validation clips, from which thresholds are chosen too.

A control after J. Choe et al. 2020, "Evaluating weakly supervised object localization methods right"
(arXiv:2001.07437): whoever has frame labels to choose thresholds with could as well train with them. A detector that
learns from clip labels has to beat this to be worth it. Four clips in five are learnt from, the fifth stops the
training (`igsed.heads.four_fifths`).
"""

from igsed.detectors import OfFrames
from igsed.detectors.fw_ws import maximum

DETECTOR = OfFrames(
    name="few_shot",
    title="Few-shot",
    citation="Choe et al. 2020, Evaluating weakly supervised object localization methods right",
    run=maximum,
    learns_from="frame",
    trained_on="validation",
    score="logit",
)
