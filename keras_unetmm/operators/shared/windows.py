# SPDX-License-Identifier: Apache-2.0
"""Operators that slide a window over one image, pixel by pixel, all channels of a pixel before the next."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_unetmm.operators.shared.rules import Fields, Overlap, ReceptiveField
from keras_unetmm.operators.shared.walks import MOST_PLACES, Walk, least_distance, pixels_can_be_proven
from keras_unetmm.tflite_file.operands import Operands


def receptive_field(operands: Operands, size: tuple, dilations: tuple = (1, 1)) -> Fields:
    """Returns the receptive field of windows of `size`, `(height, width)`, with those dilations."""
    strides = operands.option("StrideH", 1), operands.option("StrideW", 1)
    same = operands.option("Padding") == schema.Padding.SAME
    fields = []
    maps = zip(size, strides, dilations, operands.map.shape[1:3], operands.output.shape[1:3], strict=True)
    for places, stride, dilation, given, made in maps:
        extent = (places - 1) * dilation + 1
        before = max((made - 1) * stride + extent - given, 0) // 2 if same else 0
        fields.append(ReceptiveField(stride, before, extent))
    return fields[0], fields[1]


def dilations(operands: Operands) -> tuple[int, int]:
    """Returns the dilations of a convolution, of rows and of columns."""
    return operands.option("DilationHFactor", 1), operands.option("DilationWFactor", 1)


def are_walked(operands: Operands) -> bool:
    """Returns whether the maps are one image each, none of them too large to be looked at."""
    source, output = operands.map, operands.outputs[0]
    four = len(source.shape) == len(output.shape) == 4
    return four and output.shape[0] == 1 and max(output.shape[1:3]) <= MOST_PLACES


def overlaps(operands: Operands, size: tuple, dilations: tuple = (1, 1)) -> list[Overlap]:
    """Returns the overlap of windows of `size`, `(height, width)`, that are taken in raster order."""
    source, output = operands.map, operands.outputs[0]
    if not pixels_can_be_proven(source, output):
        return []
    return [Overlap(0, 0, least=least_distance(*_order(operands, source, output, size, dilations)))]


def _order(operands, source, output, size, dilations):
    """Where each output pixel ends, and the first byte that it reads, in the order of computing: `Walk`s."""
    _, height, width, channels = source.shape
    strides = (operands.option("StrideH"), operands.option("StrideW"))
    same = operands.option("Padding") == schema.Padding.SAME
    first = []
    for given, made, k, stride, d in zip((height, width), output.shape[1:3], size, strides, dilations, strict=True):
        before = max((made - 1) * stride + (k - 1) * d + 1 - given, 0) // 2 if same else 0
        start = np.arange(made) * stride - before
        inside = np.where(start < 0, start + -(start // d) * d, start)  # the first tap inside the image
        first.append(np.minimum(inside, given))  # a window behind it reads nothing
    place, pixel = channels * source.element_bytes, output.shape[3] * output.element_bytes
    rows, columns = (np.arange(made) for made in output.shape[1:3])
    writes_end = Walk(rows * len(columns) * pixel, (columns + 1) * pixel)
    return writes_end, Walk(first[0] * width * place, first[1] * place)
