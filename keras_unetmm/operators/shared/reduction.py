# SPDX-License-Identifier: Apache-2.0
"""Operators that reduce the axes named by their second input: MEAN, SUM, REDUCE_MAX and the like."""

import math

from keras_unetmm.operators.shared.rules import Fields, GlobalOperatorError, ReceptiveField
from keras_unetmm.tflite_file.operands import Operands

_INT32 = 4  # bytes


def over_channels(operands: Operands) -> Fields:
    """Returns the receptive field of one place, where the rows and the columns stay.

    Raises:
        GlobalOperatorError: if the operator looks at the whole map.
    """
    axes = operands.axes()
    if axes is None or set(axes) & {1, 2}:
        raise GlobalOperatorError(
            "it looks at the whole map. Use blocks without a mean over the map in the levels that are tiled "
            "(local_levels of NAFNet and of UNetMinusMinus, channel_attention=False, response_normalization=False), or "
            "tile fewer levels"
        )
    return ReceptiveField(), ReceptiveField()


def axes_scratch(operands: Operands, kernels: str) -> tuple[int, ...]:
    """Returns the scratch of every reduction: an index for each axis, and the axes."""
    return _INT32 * len(operands.input(0).shape), _INT32 * math.prod(operands.input(1).shape)


def sum_scratch(operands: Operands, kernels: str) -> tuple[int, ...]:
    """Returns the scratch of MEAN and SUM: an accumulator for each output of integers, then as every reduction."""
    integers = operands.input(0).type in ("INT8", "INT16")
    accumulators = (_INT32 * math.prod(operands.outputs[0].shape),) if integers else ()
    return (*accumulators, *axes_scratch(operands, kernels))
