# SPDX-License-Identifier: Apache-2.0
"""Activations: a table for int8; RELU, RELU6, LEAKY_RELU, LOGISTIC and TANH of int16; PRELU of both."""

import math

import numpy as np

from keras_unetmm.engine.kernels import table
from keras_unetmm.engine.kernels.arithmetic import RANGES, bounded_multiplier, quantize_multiplier, round_half_away
from keras_unetmm.engine.kernels.kernel import NoKernelError, Parameters, Same, Values, raster
from keras_unetmm.engine.kernels.maps import kernel_without_weights, operands, validate_types

_IDENTITY = (2**30, 1)
_POINTS = 256  # of the table of the logistic function
_MORE = (  # where TFLM's table is 1 more than the nearest integer
    *(4, 8, 12, 14, 15, 16, 17, 19, 20, 21, 22, 25, 27, 28, 29, 30, 31, 33, 34, 35, 37, 39, 40, 41, 43, 44, 45, 46, 49, 50),
    *(54, 62, 63, 64, 66, 82, 86, 93, 100, 103, 112, 116, 135, 255),
)


def rectify(graph, operator, tables=None):
    """Returns the `Kernel` of RELU, RELU6 or LEAKY_RELU."""
    source, output = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
    validate_types(operator, (source, output), ("INT8", "INT16"))
    if source.type == "INT8":
        return table.kernel(graph, operator, tables)
    one = np.float32
    low, high = RANGES["INT16"]
    above = quantize_multiplier(source.scales[0] / output.scales[0])
    below, sign = above, 1
    if operator.name == "RELU":
        low = max(low, output.zero_points[0])
    elif operator.name == "RELU6":
        above = below = _IDENTITY
        low = source.zero_points[0]
        high = low + round_half_away(float(one(6) / one(source.scales[0])))
    else:
        alpha = source.scales[0] * operator.options.Alpha() / output.scales[0]
        below, sign = quantize_multiplier(abs(alpha)), -1 if alpha < 0 else 1
    if max(above[1], below[1]) > 31:
        raise NoKernelError(
            f"{operator.name} multiplies by 2^{max(above[1], below[1])} or so.", "Choose a larger output scale."
        )
    return _pixelwise(
        graph,
        operator,
        "unetmm_rectify",
        "unetmm_rectify_int16",
        {
            "input_zero": source.zero_points[0],
            "output_zero": source.zero_points[0] if operator.name == "RELU6" else output.zero_points[0],
            "multiplier": above[0],
            "shift": above[1],
            "below_multiplier": below[0],
            "below_shift": below[1],
            "below_sign": sign,
            "low": low,
            "high": high,
        },
    )


def sigmoid(graph, operator, tables=None):
    """Returns the `Kernel` of LOGISTIC or TANH."""
    source, output = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
    validate_types(operator, (source, output), ("INT8", "INT16"))
    if source.type == "INT8":
        return table.kernel(graph, operator, tables)
    multiplier, shift = _argument(source.scales[0])
    points = [round(65536 / (1 + math.exp(-i / 24))) + (i in _MORE) for i in range(_POINTS)]
    function = "unetmm_logistic_int16" if operator.name == "LOGISTIC" else "unetmm_tanh_int16"
    fields = {"multiplier": multiplier, "shift": shift}
    return _pixelwise(
        graph, operator, "unetmm_sigmoid", function, fields, {"table": Values("uint16_t", np.array(points, "uint16"))}
    )


def _argument(scale):
    """The multiplier and right shift that bring an input to 3 * 4096 for each unit."""
    exponent = math.log2(scale)
    if abs(exponent - round(exponent)) < 1e-3 and round(exponent) + 12 in (0, 1):
        return 3 << (round(exponent) + 12), 0
    multiplier, shift = scale * 4096 * 3, 0
    while multiplier <= 32767 / 2 and shift <= 30:
        multiplier, shift = multiplier * 2, shift + 1
    if multiplier > 2**31 - 1:
        raise NoKernelError(f"an int16 activation of a scale of {scale:g} has no kernel.", "Choose a smaller scale.")
    return int(multiplier), shift


def prelu(graph, operator, tables=None):
    """Returns the `Kernel` of PRELU, whose slopes are constants or a map."""
    source, slopes, output = (graph.tensors[i] for i in (*operator.inputs, operator.outputs[0]))
    validate_types(operator, (source, output), ("INT8", "INT16"))
    validate_types(operator, (slopes,), ("INT8",))
    if tables is not None and table.fits(graph, operator):
        return table.kernel(graph, operator, tables)
    places, inputs = operands(graph, operator, output.shape)
    above = bounded_multiplier(source.scales[0] / output.scales[0], "PRELU")
    below = bounded_multiplier(source.scales[0] * slopes.scales[0] / output.scales[0], "PRELU")
    fields = {
        "operands": places,
        "input_zero": source.zero_points[0],
        "slope_zero": slopes.zero_points[0],
        "output_zero": output.zero_points[0],
        "multiplier": above[0],
        "shift": above[1],
        "below_multiplier": below[0],
        "below_shift": below[1],
    }
    name, macs = "unetmm_prelu", raster(output.shape)[3]
    function = f"{name}_{source.type.lower()}"
    return kernel_without_weights(graph, operator.outputs[0], function, name, Parameters(name, fields), inputs, macs)


def _pixelwise(graph, operator, struct, function, fields, first=None):
    channels = raster(graph.tensors[operator.inputs[0]].shape)[3]
    inputs = ((operator.inputs[0], Same()),)
    parameters = Parameters(struct, {**(first or {}), "channels": channels, **fields})
    return kernel_without_weights(graph, operator.outputs[0], function, struct, parameters, inputs, channels)
