"""Numbers of an explanation as people read them, in the terminal and on pages."""

import pandas as pd

MOST_TIMES = 6
"""Events of a class that are named."""


def times(events: pd.DataFrame) -> str:
    """Events as text, two spaces between them, the most confident ones where there are many.

    Examples
    --------
    >>> times(pd.DataFrame({"onset": [1.0], "offset": [2.5], "confidence": [0.5]}))
    '1.0–2.5 (0.50)'
    """
    best = events.nlargest(MOST_TIMES, "confidence").sort_values("onset")
    told = [f"{row.onset:.1f}–{row.offset:.1f} ({row.confidence:.2f})" for row in best.itertuples()]
    if len(events) > len(best):
        told.append(f"and {len(events) - len(best)} less confident")
    return "  ".join(told) or "none"


def probability(row, has_spread: bool) -> str:
    """Of a row of `Explained.labels`; with the range of the seeds where there is one."""
    spread = f" ({row.low:.2f}–{row.high:.2f})" if has_spread else ""
    return f"{row.probability:.2f}{spread}"


def clock(seconds: float) -> str:
    """A length of time.

    Examples
    --------
    >>> clock(9.96), clock(125), clock(3600)
    ('10.0 s', '2:05 min', '1:00:00 h')
    """
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} h" if hours else f"{minutes}:{rest:02} min"
