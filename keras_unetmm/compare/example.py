# SPDX-License-Identifier: Apache-2.0
"""What a network is given when it is compared with its file."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Example:
    """What the network is given and should make of it, without a batch.

    Attributes:
        name: str, for messages and pictures.
        image: float array `(H, W, C)` or `(D, H, W, C)`, the camera's values: 0 is black and 1 is white. The model's own
            normalisation is done where the file says so.
        reference: array as the metrics take it, such as an image, a mask `(H, W, 1)` or a class `()`; None without one.
    """

    name: str
    image: np.ndarray
    reference: np.ndarray | None = None
