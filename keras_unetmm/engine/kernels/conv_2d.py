# SPDX-License-Identifier: Apache-2.0
"""CONV_2D: any kernel, stride, dilation, padding and number of groups, on maps of int8 and int16."""

import numpy as np

from keras_unetmm.engine.kernels.kernel import NoKernelError, Same, Values
from keras_unetmm.engine.kernels.weights import Sliding, check_rank, check_terms, quads, typed_kernel, weighted


def kernel(graph, operator, tables=None):
    """Returns the `Kernel` of a CONV_2D.

    Raises:
        NoKernelError: for a form that the engine lacks.
    """
    del tables
    options, x = operator.options, graph.tensors[operator.inputs[0]]
    filters = graph.tensors[operator.inputs[1]]
    check_rank(x)
    check_rank(filters)
    outputs, *size, depth = filters.shape
    if depth == 0 or x.shape[3] % depth or outputs % (x.shape[3] // depth):
        raise NoKernelError(f"its weights of the shape {filters.shape} do not fit a map of {x.shape[3]} channels.")
    made = weighted(graph, operator, (0, 1, 2), outputs, options.FusedActivationFunction())
    sliding = Sliding.of(options, x, size)
    common = {"output": operator.outputs[0], "macs": size[0] * size[1] * depth * outputs}
    check_terms(size[1] * depth)
    sums = made.weights.reshape(outputs, -1).sum(1, dtype="int64")
    leading = {"requantization": made.requantization(sums)}
    alone = sliding.size == sliding.strides == (1, 1) and depth == x.shape[3] and made.output.shape[:3] == x.shape[:3]
    if alone and x.type == "INT8":
        fields = {"weights": quads(made.weights), **leading, "depth": depth, "outputs": outputs, "phases": 1}
        return typed_kernel("unetmm_pointwise", x, fields, ((operator.inputs[0], Same()),), **common)
    groups = x.shape[3] // depth
    line = -(-size[1] * depth // 4) * 4
    fields = {"weights": Values("int8_t", made.weights), **leading}
    if x.type == "INT8":
        fields |= {"weights": lines(made.weights, line), "input_zero": made.zero}
    fields |= sliding.fields(x.shape[2])
    fields |= {"line": line} if x.type == "INT8" else {}
    fields |= {"depth": depth, "groups": groups, "group_outputs": outputs // groups}
    return typed_kernel("unetmm_convolution", x, fields, ((operator.inputs[0], sliding.window),), **common)


def lines(weights, line):
    """Returns the `Values` of weights with each row of a kernel filled up to `line` values."""
    outputs, rows = weights.shape[:2]
    flat = weights.reshape(outputs, rows, -1)
    return Values("int8_t", np.pad(flat, ((0, 0), (0, 0), (0, line - flat.shape[2]))))
