# SPDX-License-Identifier: Apache-2.0
"""DEPTH_TO_SPACE and SPACE_TO_DEPTH: chunks of one small pixel's channels, in the order of the large map."""

import numpy as np

from keras_unetmm.operators.shared.rules import Overlap
from keras_unetmm.operators.shared.walks import MOST_PLACES, Walk, least_distance, pixels_can_be_proven
from keras_unetmm.tflite_file.operands import Operands


def overlaps(operands: Operands, to_space: bool) -> list[Overlap]:
    """Returns the overlap of an operator that moves blocks of one image, whose sizes must fit each other.

    Args:
        operands: the operator's.
        to_space: whether the output is the larger map.
    """
    source, output, block = operands.map, operands.outputs[0], operands.option("BlockSize")
    large, small = (output, source) if to_space else (source, output)
    _, height, width, channels = small.shape
    fits = large.shape == (1, height * block, width * block, channels // block**2) and channels % block**2 == 0
    if not fits or small.shape[0] != 1 or max(large.shape[1:3]) > MOST_PLACES:
        return []
    if not pixels_can_be_proven(source, output):
        return []
    in_large, in_small = _walks(large, small, block)
    writes, reads = (in_large, in_small) if to_space else (in_small, in_large)
    chunk = large.shape[3]
    writes_end = Walk(writes.rows * output.element_bytes, (writes.columns + chunk) * output.element_bytes)
    return [Overlap(0, 0, least=least_distance(writes_end, Walk(*(w * source.element_bytes for w in vars(reads).values()))))]


def _walks(large, small, block):
    """Where the chunks lie in the large and in the small map, in elements."""
    _, height, width, channels = large.shape
    rows, columns = np.arange(height), np.arange(width)
    in_large = Walk(rows * width * channels, columns * channels)
    in_small = Walk(
        (rows // block) * small.shape[2] * small.shape[3] + rows % block * block * channels,
        (columns // block) * small.shape[3] + columns % block * channels,
    )
    return in_large, in_small
