"""From the logits of masked clips to frame scores: float64 (class, frame), higher where a class is thought to sound.

Each function takes masks (mask, frame) of `igsed.perturbation.masks`, the logits of the masked clips (mask, class) and
of the whole clip (class,). A class's scores do not depend on the other classes.
"""

import numpy as np
from scipy.special import comb, expit

from igsed.perturbation.masks import frames, to_cells, to_frames

_LEVELS = 2**12
"""Of the logits that a forest sees, from the lowest to the highest."""


def occlusion(masks: np.ndarray, logits: np.ndarray, logit: np.ndarray) -> np.ndarray:
    """How far the logit falls: mean of logit − logit(masked) over the masks that remove a frame.

    For masks of one window these are the attributions of `captum.attr.Occlusion`.
    """
    return _means(np.asarray(logit, float) - np.asarray(logits, float), 1 - masks)


def rise(masks: np.ndarray, logits: np.ndarray, logit: np.ndarray) -> np.ndarray:
    """RISE: the mean probability over the masks that keep a frame, 0…1.

    Petsiuk et al. 2018 take the model's probability, here the sigmoid of the logit, and divide by the expectation of
    the mask (equation 6). With few masks a frame that happens to be kept often would win by that, so the division here
    is by the mean of the frame's own masks.
    """
    return _means(expit(np.asarray(logits, float)), masks)


def lime(
    masks: np.ndarray, logits: np.ndarray, logit: np.ndarray, cell: float, kernel_width: float, penalty: float
) -> np.ndarray:
    """LIME: a cell's coefficient in a ridge regression of the logits on the cells that are kept.

    As its authors' code has it: the whole clip is a sample too, a mask that keeps the share k of the cells has the
    cosine distance 1 − √k from it and the weight exp(−distance² / (2 kernel_width²)), and the intercept is free.

    Parameters
    ----------
    cell : float
        Length of a cell in seconds.
    kernel_width : float
        Above 0, in units of the distance.
    penalty : float
        Above 0: what the sum of the squared coefficients is multiplied by.
    """
    kept, outputs = _with_whole(masks, logits, logit, cell)
    weight = np.exp(-(((1 - np.sqrt(kept.mean(1))) / kernel_width) ** 2) / 2)[:, None]
    kept, outputs = (values - (weight * values).sum(0) / weight.sum() for values in (kept, outputs))
    normal = kept.T @ (weight * kept) + penalty * np.eye(kept.shape[1])
    coefficients = np.linalg.solve(normal, kept.T @ (weight * outputs))
    return to_frames(coefficients.T, cell, masks.shape[1])


def kernel_shap(masks: np.ndarray, logits: np.ndarray, logit: np.ndarray, cell: float) -> np.ndarray:
    """Kernel SHAP: a cell's Shapley value, estimated by least squares, divided among the cell's frames.

    The frames' scores sum to logit(all kept) − logit(none kept), exactly. With all coalitions the values are exact;
    with too few for one solution, of all that fit the values nearest to equal ones are taken.

    Parameters
    ----------
    masks : numpy.ndarray (mask, frame)
        Of `igsed.perturbation.masks.coalitions`.
    cell : float
        Length of a cell in seconds.
    """
    kept, outputs = to_cells(masks, cell).astype(float), np.asarray(logits, float)
    total, count = outputs[0] - outputs[1], kept.shape[1]
    kept, outputs = kept[2:], outputs[2:] - outputs[1]
    size = kept.sum(1, keepdims=True)
    # Drawn coalitions occur as often as the kernel weights them; of all coalitions each occurs once.
    complete = len(kept) == 2**count - 2
    root = np.sqrt((count - 1) / (comb(count, size) * size * (count - size))) if complete else np.ones_like(size)
    # Rows that sum to zero have a least-squares solution of least norm that does so too: the constraint on the sum.
    rows, rest = root * (kept - size / count), root * (outputs - size / count * total)
    values = total / count + np.linalg.lstsq(rows, rest, rcond=1e-10)[0]
    lengths = np.diff(np.append(frames(cell) * np.arange(count), masks.shape[1]))
    return to_frames(values.T / lengths, cell, masks.shape[1])


def forest(masks: np.ndarray, logits: np.ndarray, logit: np.ndarray, cell: float, trees: int) -> np.ndarray:
    """A cell's importance in a random forest that predicts the logits from the cells that are kept, 0…1.

    The importance is the share of the variance that splits at the cell remove, whatever their sign. Bolaños et al. 2025
    (code: explain_where) have 100 trees on the log-odds, weighted by the masked sound's distance from the whole one;
    here all masks weigh the same. The forest's own draws are the same at every call.

    Parameters
    ----------
    cell : float
        Length of a cell in seconds.
    trees : int
        At least 1.
    """
    from sklearn.ensemble import RandomForestRegressor

    kept, outputs = _with_whole(masks, logits, logit, cell)
    # As whole numbers, which rounding seldom changes and whose sums are exact: else it decides between splits that part
    # the masks alike.
    span = np.ptp(outputs, axis=0)
    outputs = np.round((outputs - outputs.min(0)) / np.where(span > 0, span, 1.0) * _LEVELS)
    forests = (RandomForestRegressor(trees, random_state=0).fit(kept, output) for output in outputs.T)
    importances = np.array([fitted.feature_importances_ for fitted in forests])
    return to_frames(importances, cell, masks.shape[1])


def _means(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Means over masks of values (mask, class) by weights (mask, frame): (class, frame); unweighted where all are 0."""
    sums = np.asarray(weights, float).sum(0)
    weights = np.where(sums > 0, weights, 1.0)
    return values.T @ weights / weights.sum(0)


def _with_whole(masks, logits, logit, cell) -> tuple[np.ndarray, np.ndarray]:
    """Cells that are kept (1 + mask, cell) and logits (1 + mask, class), those of the whole clip first."""
    kept = to_cells(masks, cell).astype(float)
    return np.vstack([np.ones_like(kept[:1]), kept]), np.vstack([logit, logits]).astype(float)
