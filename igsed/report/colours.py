"""Colours that can be seen: contrast against white as WCAG 2.2 defines it.

Source: W3C, Web Content Accessibility Guidelines 2.2, "contrast ratio" and success criterion 1.4.11 (graphical objects
need 3 : 1).
"""

import numpy as np
from matplotlib.colors import to_rgb

ENOUGH = 3.0
"""The least contrast of a line or marker against what is beside it."""


def contrast(colour: str) -> float:
    """The contrast ratio of a colour against white, 1…21.

    >>> round(contrast("black")), round(contrast("#777777"), 2)
    (21, 4.48)
    """
    parts = np.array(to_rgb(colour))
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(1.05 / (linear @ [0.2126, 0.7152, 0.0722] + 0.05))
