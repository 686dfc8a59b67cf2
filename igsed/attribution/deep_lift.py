"""DeepLIFT, rescale rule: the change of a logit from a baseline to the clip, shared out over the linear mel spectrum.

A. Shrikumar, P. Greenside and A. Kundaje 2017, arXiv:1704.02685. It is integrated gradients with one piece of the path
(`igsed.attribution.secant`), so the logarithm and the maximum over frames are followed and the contributions sum to the
change of the logit. Captum's DeepLift follows modules alone: from the spectrum, a logarithm that is no module has the
gradient at the clip there, and completeness is lost.
"""

from igsed.attribution.frames import Sign
from igsed.attribution.ig import IntegratedGradients


class DeepLift(IntegratedGradients):
    """Contributions of the linear mel spectrum to the difference of class logits between clip and baseline.

    Parameters
    ----------
    baseline : {"silence", "quiet_second", "noise"}
        A function of `igsed.attribution.baselines`.
    sign : {"absolute", "positive", "signed"}
        How a contribution counts (`igsed.attribution.frames`).
    """

    def __init__(self, baseline: str = "quiet_second", sign: Sign = "absolute"):
        super().__init__(n_steps=1, tolerance=None, baseline=baseline, domain="mel", sign=sign)
