# SPDX-License-Identifier: Apache-2.0
"""DEPTHWISE_CONV_2D: any kernel, stride, dilation, padding and depth multiplier, on maps of int8 and int16."""

import numpy as np

from keras_unetmm.engine.kernels.conv_2d import lines
from keras_unetmm.engine.kernels.kernel import NoKernelError, Values
from keras_unetmm.engine.kernels.weights import Sliding, check_rank, typed_kernel, weighted

_BIASES = {"INT8": ("INT32",), "INT16": ("INT64",)}
_MOST_TAPS = 2**16  # products in a sum
_FEW = 3  # channels up to which products with weights of 0 cost less than channels taken one by one


def kernel(graph, operator, tables=None):
    """Returns the `Kernel` of a DEPTHWISE_CONV_2D.

    Raises:
        NoKernelError: for a form that the engine lacks.
    """
    del tables
    options, x = operator.options, graph.tensors[operator.inputs[0]]
    filters = graph.tensors[operator.inputs[1]]
    check_rank(x)
    check_rank(filters)
    _, *size, outputs = filters.shape
    multiplier = options.DepthMultiplier()
    if multiplier * x.shape[3] != outputs:
        raise NoKernelError(f"its {outputs} outputs are not {x.shape[3]} channels times a depth multiplier of {multiplier}.")
    if size[0] * size[1] >= _MOST_TAPS:
        raise NoKernelError(f"its kernel has {size[0] * size[1]} taps. The engine adds up fewer than {_MOST_TAPS}.")
    made = weighted(graph, operator, (0, 1, 2), outputs, options.FusedActivationFunction(), _BIASES)
    sliding = Sliding.of(options, x, size)
    sums = made.weights.reshape(-1, outputs).sum(0, dtype="int64")
    few = x.type == "INT8" and x.shape[3] <= _FEW
    line = -(-size[1] * x.shape[3] // 4) * 4
    weights = lines(_full(made.weights, x.shape[3]), line) if few else Values("int8_t", made.weights)
    fields = {"weights": weights, "requantization": made.requantization(sums)}
    fields |= {"input_zero": made.zero} if x.type == "INT8" else {}
    fields |= sliding.fields(x.shape[2])
    fields |= {"line": line} if few else {}
    fields |= {"depth": x.shape[3]}
    fields |= {"groups": 1, "group_outputs": outputs} if few else {"multiplier": multiplier}
    inputs = ((operator.inputs[0], sliding.window),)
    kind = "unetmm_convolution" if few else "unetmm_depthwise"
    return typed_kernel(kind, x, fields, inputs, output=operator.outputs[0], macs=size[0] * size[1] * outputs)


def _full(weights, depth):
    """The weights of a convolution over all channels with the same sums: 0 for channels that an output does not read."""
    _, *size, outputs = weights.shape
    full = np.zeros((outputs, *size, depth), "int8")
    for output in range(outputs):
        full[output, ..., output // (outputs // depth)] = weights[0, ..., output]
    return full
