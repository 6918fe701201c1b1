# SPDX-License-Identifier: Apache-2.0
"""FULLY_CONNECTED with constant weights, on maps of int8 and int16."""

import math

import numpy as np

from keras_unetmm.engine.kernels.kernel import All, NoKernelError, Same, Values, raster
from keras_unetmm.engine.kernels.weights import check_terms, convolution_multipliers, quads, typed_kernel, weighted


def kernel(graph, operator, tables=None):
    """Returns the `Kernel` of a FULLY_CONNECTED.

    Raises:
        NoKernelError: for a form that the engine lacks.
    """
    del tables
    options, x = operator.options, graph.tensors[operator.inputs[0]]
    filters, output = graph.tensors[operator.inputs[1]], graph.tensors[operator.outputs[0]]
    if options.WeightsFormat() != 0 or len(filters.shape) != 2:
        raise NoKernelError(f"its weights have the shape {filters.shape} or are shuffled. They must be outputs by inputs.")
    outputs, inner = filters.shape
    made = weighted(
        graph, operator, (0, 1, 2), outputs, options.FusedActivationFunction(), multipliers=fully_connected_multipliers
    )
    if any(filters.zero_points):
        raise NoKernelError("its weights have a zero point other than 0. Quantise them symmetrically.")
    *_, depth = raster(x.shape)
    rows = math.prod(x.shape) // inner if inner else 0
    if rows * inner != math.prod(x.shape) or math.prod(output.shape) != rows * outputs or output.shape[-1] != outputs:
        raise NoKernelError(f"its weights of the shape {filters.shape} do not fit {x.shape} and {output.shape}.")
    if inner % depth:
        raise NoKernelError(f"it reads {inner} values at once of a map of {depth} channels. Reshape the map to fit.")
    check_terms(depth)
    sums = made.weights.sum(1, dtype="int64")
    zeros = (None, None) if x.type == "INT8" else (x.zero_points[0], output.zero_points[0])
    fields = {"weights": Values("int8_t", made.weights), "requantization": made.requantization(sums, zeros)}
    common = {"output": operator.outputs[0], "macs": inner * outputs}
    same = inner == depth and raster(x.shape)[:3] == raster(output.shape)[:3]
    if same and x.type == "INT8":
        fields |= {"weights": quads(made.weights), "depth": inner, "outputs": outputs, "phases": 1}
        return typed_kernel("unetmm_pointwise", x, fields, ((operator.inputs[0], Same()),), **common)
    fields |= {"whole": int(not same)} if x.type == "INT16" else {}
    fields |= {"pixels": inner // depth, "depth": depth, "outputs": outputs}
    return typed_kernel("unetmm_dense", x, fields, ((operator.inputs[0], Same() if same else All()),), **common)


def fully_connected_multipliers(x, weights, output, outputs):
    """Real multipliers of every output: with one scale for all weights TFLM multiplies scales in float32."""
    if len(weights.scales) > 1:
        return convolution_multipliers(x, weights, output, outputs)
    product = float(np.float32(x.scales[0]) * np.float32(weights.scales[0]))
    return [product / output.scales[0]] * outputs
