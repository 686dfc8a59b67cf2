"""Which parts of a clip are kept: masks as float32 (mask, frame), 1 where a frame of 100 ms is kept and 0 where not.

Windows slide over the clip, cells divide it. The last window and the last cell end with the clip, so they may be
shorter.
"""

import numpy as np

from igsed.timeline import FRAME


def frames(seconds: float) -> int:
    """Frames of 100 ms in a multiple of 0.1 s.

    >>> frames(0.3)
    3
    """
    return round(seconds / FRAME)


def cell_count(count: int, cell: float) -> int:
    """Cells of `cell` seconds in a clip of `count` frames.

    >>> cell_count(100, 0.3)
    34
    """
    return -(-count // frames(cell))


def to_frames(values: np.ndarray, cell: float, count: int) -> np.ndarray:
    """Values of cells (…, cell) as values of their frames (…, count)."""
    return np.repeat(values, frames(cell), axis=-1)[..., :count]


def to_cells(masks: np.ndarray, cell: float) -> np.ndarray:
    """Which cells masks (mask, frame) keep, (mask, cell): each cell is as its first frame."""
    return masks[:, :: frames(cell)]


def windows(count: int, generator: np.random.Generator | None, window: float, hop: float) -> np.ndarray:
    """All but a window that slides over the clip, as `captum.attr.Occlusion` slides it.

    Parameters
    ----------
    count : int
        Frames of the clip.
    generator
        Nothing is drawn.
    window, hop : float
        Length of a window, and from one to the next, in seconds.

    Examples
    --------
    >>> windows(5, None, 0.3, 0.3).astype(int)
    array([[0, 0, 0, 1, 1],
           [1, 1, 1, 0, 0]])
    """
    width, step = frames(window), frames(hop)
    starts = step * np.arange(max(0, -(-(count - width) // step)) + 1)[:, None]
    frame = np.arange(count)
    return ((frame < starts) | (frame >= starts + width)).astype(np.float32)


def cells(count: int, generator: np.random.Generator, masks: int, cell: float, keep: float) -> np.ndarray:
    """Cells of `cell` seconds, each kept with the probability `keep`, in `masks` masks."""
    kept = generator.random((masks, cell_count(count, cell))) < keep
    return to_frames(kept.astype(np.float32), cell, count)


def coalitions(count: int, generator: np.random.Generator, masks: int, cell: float) -> np.ndarray:
    """Cells as Kernel SHAP draws them: all kept, none kept, then coalitions by the Shapley kernel.

    All coalitions, each once, where there are no more of them than `masks`. Else sizes 1 … n − 1 of the n cells are
    drawn in proportion to the kernel's weight of all coalitions of a size, 1 / (size (n − size)), and each coalition is
    followed by its complement (Covert and Lee 2021, Improving KernelSHAP, section 4.2).

    Parameters
    ----------
    masks : int
        At least 2.
    cell : float
        Length of a cell in seconds.
    """
    size = cell_count(count, cell)
    if size < 2 or 2**size <= masks:
        numbers = np.r_[2**size - 1, 0, 1 : 2**size - 1]
        kept = numbers[:, None] >> np.arange(size) & 1 > 0
    else:
        sizes = np.arange(1, size)
        weight = 1 / (sizes * (size - sizes))
        drawn = generator.choice(sizes, -(-(masks - 2) // 2), p=weight / weight.sum())
        half = generator.random((len(drawn), size)).argsort(1) < drawn[:, None]
        pairs = np.stack([half, ~half], 1).reshape(-1, size)[: masks - 2]
        kept = np.concatenate([np.ones((1, size), bool), np.zeros((1, size), bool), pairs])
    return to_frames(kept.astype(np.float32), cell, count)
