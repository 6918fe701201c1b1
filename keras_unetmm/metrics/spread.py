# SPDX-License-Identifier: Apache-2.0
"""How far values lie apart: over the images of a set, or over seeds."""

from collections.abc import Sequence

import numpy as np


def spread(values: Sequence[float]) -> dict[str, float]:
    """Returns `{"mean", "median", "std", "mad", "count"}` of values; NaN as soon as one is.

    `std` is the standard deviation of these very values, divided by their number; `mad` the median of their absolute
    differences to the median.

    Args:
        values: sequence of float, at least one.

    Raises:
        ValueError: for no values.

    Examples:
        >>> metrics.spread([0.8, 0.9, 0.85])["median"]
        0.85
    """
    array = np.asarray(list(values), "float64")
    if not array.size:
        raise ValueError("values must hold at least one number. Received: none.")
    median = np.median(array)
    return {
        "mean": float(array.mean()),
        "median": float(median),
        "std": float(array.std()),
        "mad": float(np.median(np.abs(array - median))),
        "count": int(array.size),
    }
