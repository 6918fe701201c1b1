# SPDX-License-Identifier: Apache-2.0
"""In which order kernels read and write, and a simulation of it.

Read in the sources of TFLM's reference kernels and of CMSIS-NN, and tried on TFLM. A kernel that reads earlier or writes
later than said here, as one that gathers a few windows before it computes them, is safe too.
"""

import math

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_unetmm.planner.verify.graphs import types

UNARY = {"LOGISTIC", "TANH", "RELU", "RELU6", "RELU_N1_TO_1", "LEAKY_RELU", "PRELU", "ELU", "HARD_SWISH"}
UNARY |= {"ABS", "NEG", "RSQRT", "QUANTIZE", "DEQUANTIZE"}
BINARY = {"ADD", "SUB", "MUL", "SQUARED_DIFFERENCE", "MAXIMUM", "MINIMUM"}
_WINDOWS = {"CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D", "AVERAGE_POOL_2D"}
_REARRANGED = {"DEPTH_TO_SPACE", "SPACE_TO_DEPTH"}
_CMSIS_NN = types("INT8 FLOAT32")  # of convolutions in raster order, the latter by TFLM's own kernel
_CMSIS_NN_DEPTHWISE_CHANNELS = 124  # from one more on its vector kernel runs over blocks of channels, not in raster order
_ALIGNMENT = 16  # bytes
_MOST_STEPS = 2**24  # in a simulation


class OverlapError(Exception):
    """Why one overlap is not allowed."""


def order(operator, source, target, kernels):
    """Returns the order in which an operator reads `source` and writes `target`.

    Returns:
        `(reads, writes, in_step)`. Of `reads`, the bytes of one group of the input, and an array of the last step that
        reads each group, -1 for none. Of `writes`, the bytes of one group of the output, and the step that writes each.
        And whether each step reads all it needs before it writes. Else, as where every channel of an output pixel is a
        new pass over the window, what it writes must not be needed in the same step.

    Raises:
        OverlapError: if the order is not known.
    """
    name = operator.name
    if name in UNARY | BINARY:
        return _elementwise(source, target)
    if name == "CUMSUM":
        return _sums(operator, source, target)
    if name not in _WINDOWS | _REARRANGED:
        raise OverlapError("no overlap of this operator's input and output is known to be safe")
    if not len(source.shape) == len(target.shape) == 4 or source.shape[0] != 1 or target.shape[0] != 1:
        raise OverlapError(f"this needs batch 1 and four axes, and the shapes are {source.shape} and {target.shape}")
    return _window(operator, source, target, kernels) if name in _WINDOWS else _rearranged(operator, source, target)


def simulate(distance, reads, writes, in_step):
    """Raises `OverlapError` unless every byte is read for the last time before it is written.

    Args:
        distance: int, where the input starts, in bytes from the start of the output.
        reads, writes, in_step: as `order` returns them.
    """
    (read_bytes, last_read), (write_bytes, written) = reads, writes
    unit = math.gcd(distance, read_bytes, write_bytes)
    _limit(max(len(last_read) * read_bytes, len(written) * write_bytes) // unit)
    last_read, written = np.repeat(last_read, read_bytes // unit), np.repeat(written, write_bytes // unit)
    place = distance // unit
    low, high = max(0, place), min(len(written), place + len(last_read))
    early = np.flatnonzero(written[low:high] + in_step <= last_read[low - place : high - place])
    if len(early):
        raise OverlapError(
            f"with the input {distance:,} bytes after the start of the output, the operator would write byte "
            f"{(low + early[0]) * unit:,} of its output before it has read the input there"
        )


def _limit(steps):
    if steps > _MOST_STEPS:
        raise OverlapError(f"it takes {steps:,} steps, too many to simulate")


def _elementwise(source, target):
    """Step t reads element t and then writes element t; an operand that is broadcast would be read again later."""
    if source.shape != target.shape:
        raise OverlapError(f"the input of shape {source.shape} is broadcast to {target.shape}")
    same = source.element_bytes == target.element_bytes  # then many at a time, as they keep their distance, an aligned one
    count = -(-target.size // _ALIGNMENT) if same else math.prod(target.shape)
    _limit(count)
    sizes = (_ALIGNMENT, _ALIGNMENT) if same else (source.element_bytes, target.element_bytes)
    return (sizes[0], np.arange(count)), (sizes[1], np.arange(count)), True


def _sums(operator, source, target):
    """Step t reads element t and writes the sum up to it, or, if that excludes it, writes the sum before it reads it."""
    if source.shape != target.shape or source.type != target.type:
        raise OverlapError(f"{operator.label} makes no {target.shape} from {source.shape}")
    axes = operator.inputs[1]
    axis = None if axes.data is None or axes.type != schema.TensorType.INT32 else np.frombuffer(axes.data.tobytes(), "<i4")
    if axis is None or axis.tolist() not in ([-1], [len(source.shape) - 1]) or operator.options.Reverse():
        raise OverlapError("sums along another axis than the last one, or from its end, are not made in the elements' order")
    count = math.prod(target.shape)
    _limit(count)
    element = (source.element_bytes, np.arange(count))
    return element, element, not operator.options.Exclusive()


def _window(operator, source, target, kernels):
    """Step p writes the output pixel p, in raster order, from all channels of the input pixels in its window."""
    options, dilations = operator.options, (1, 1)
    (height, width, channels), (rows, columns, made) = source.shape[1:], target.shape[1:]
    if operator.name.endswith("POOL_2D"):
        size, fits = (options.FilterHeight(), options.FilterWidth()), channels == made
    else:
        weights = operator.inputs[1]
        filters, *size, depth = weights.shape
        dilations = (options.DilationHFactor(), options.DilationWFactor())
        if operator.name == "CONV_2D":
            fits, in_order = (filters, depth) == (made, channels), size[0] > 1
        else:
            fits = filters == 1 and depth == made and made % channels == 0
            in_order = channels == made <= _CMSIS_NN_DEPTHWISE_CHANNELS
        if kernels != "reference" and not (in_order and source.type == weights.type and source.type in _CMSIS_NN):
            raise OverlapError(f"CMSIS-NN does not run weights {weights.shape}, or such types, in raster order")
    if not fits:
        raise OverlapError(f"{operator.label} is grouped, or makes no {target.shape} from {source.shape}")
    _limit(max(height * width, rows * columns))
    axes = zip((height, width), (rows, columns), size, (options.StrideH(), options.StrideW()), dilations, strict=True)
    down, across = (_last_readers(*axis, options.Padding() == schema.Padding.SAME) for axis in axes)
    last_read = np.where((down[:, None] >= 0) & (across >= 0), down[:, None] * columns + across, -1)
    written = np.arange(rows * columns)
    return (channels * source.element_bytes, last_read.ravel()), (made * target.element_bytes, written), False


def _last_readers(size, outputs, kernel, stride, dilation, same):
    """For each of `size` positions along one axis the last output position whose window holds it, or -1."""
    extent = (kernel - 1) * dilation + 1
    if min(kernel, stride, dilation) < 1 or outputs != -(-(size if same else size - extent + 1) // stride):
        raise OverlapError(f"{outputs} outputs do not follow from {size} inputs, kernel {kernel} and stride {stride}")
    _limit(outputs * kernel)
    before = max((outputs - 1) * stride + extent - size, 0) // 2  # 0 for valid padding
    taps = np.arange(outputs)[:, None] * stride - before + np.arange(kernel) * dilation
    inside = (taps >= 0) & (taps < size)
    last = np.full(size, -1)
    np.maximum.at(last, taps[inside], np.nonzero(inside)[0])
    return last


def _rearranged(operator, source, target):
    """Step p copies pixel p of the larger map, in raster order, from or to some channels of a pixel of the smaller one."""
    block = operator.options.BlockSize()
    small, large = (source, target) if operator.name == "DEPTH_TO_SPACE" else (target, source)
    height, width, channels = small.shape[1:]
    whole = (1, height * block, width * block, channels // max(block, 1) ** 2)
    if block < 1 or large.shape != whole or channels % block**2 or small.type != large.type:
        raise OverlapError(f"blocks of {block} do not lead from {source.shape} to {target.shape}")
    _limit(height * block * width * block)
    group, pixels = large.shape[-1] * source.element_bytes, np.arange(height * block * width * block)
    slices = pixels.reshape(height, block, width, block).swapaxes(1, 2).ravel()
    reads, writes = (slices, pixels) if small is source else (pixels, slices)
    return (group, reads), (group, writes), False
