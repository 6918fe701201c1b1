# SPDX-License-Identifier: Apache-2.0
"""Masks that were saved as JPEG, which changes values near edges: each pixel is the nearest label, if that can be told."""

import numpy as np

LEAST_GAP = 32  # between gray values of labels that JPEG does not mix up
MOST_FAR = 0.05  # share of pixels that may lie farther than a quarter of the gap from every label
SUFFIXES = (".jpg", ".jpeg")


def nearest(path, values, levels):
    """Returns each value of a mask as the nearest of those that stand for labels.

    Args:
        path: str or path, for messages.
        values: uint8 array `(H, W)`.
        levels: collection of two or more int, the gray values of labels.

    Raises:
        ValueError: if the labels are too near to one another, or many values are near none of them.
    """
    levels = np.array(sorted(levels))
    gap = int(np.diff(levels).min())
    chosen = np.abs(values[..., None].astype("int16") - levels).argmin(-1)
    far = float(np.mean(np.abs(values - levels[chosen]) > gap / 4))
    if gap >= LEAST_GAP and far <= MOST_FAR and (chosen.any() or not values.any()):
        return levels[chosen].astype("uint8")
    if gap < LEAST_GAP:
        why = f"labels {gap} gray values apart, not at least {LEAST_GAP}"
    elif far > MOST_FAR:
        why = f"{far:.0%} of the pixels near none of the gray values {', '.join(map(str, levels))}"
    else:
        why = f"values up to {values.max()}, none of them near {levels[1]}"
    raise ValueError(
        f"{path} must hold labels that can be told apart although JPEG changes values near edges. Received: {why}. Save "
        "masks as PNG, or name the gray values (--classes NAME=VALUE,...)."
    )
