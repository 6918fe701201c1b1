# SPDX-License-Identifier: Apache-2.0
"""TRANSPOSE_CONV, gathered by output pixel, on maps of int8 and int16."""

from keras_unetmm.engine.kernels.kernel import Axis, NoKernelError, Values, Window
from keras_unetmm.engine.kernels.weights import MOST_TAPS, check_rank, check_terms, padding_before, typed_kernel, weighted

_BIASES = {"INT8": ("INT32",), "INT16": ("INT64", "INT16")}


def kernel(graph, operator, tables=None):
    """Returns the `Kernel` of a TRANSPOSE_CONV.

    Raises:
        NoKernelError: for a form that the engine lacks.
    """
    del tables
    options, x = operator.options, graph.tensors[operator.inputs[2]]
    filters, output = graph.tensors[operator.inputs[1]], graph.tensors[operator.outputs[0]]
    check_rank(x)
    check_rank(filters)
    outputs, *size, depth = filters.shape
    if depth != x.shape[3]:
        raise NoKernelError(f"its weights of the shape {filters.shape} do not fit a map of {x.shape[3]} channels.")
    made = weighted(graph, operator, (2, 1, 3), outputs, options.FusedActivationFunction(), _BIASES)
    strides = options.StrideH(), options.StrideW()
    padding = [padding_before(options, *each) for each in zip(output.shape[1:3], size, strides, strict=True)]
    taps = -(-size[0] // strides[0])
    if taps > MOST_TAPS:
        raise NoKernelError(f"{taps} rows of its map reach one of the output. The engine has up to {MOST_TAPS}.")
    check_terms(depth, apart=True)
    fields = {"weights": Values("int8_t", made.weights), "requantization": made.requantization()}
    fields |= {"input_zero": made.zero} if x.type == "INT8" else {}
    fields |= {"width": x.shape[2], "row_stride": strides[0], "column_stride": strides[1]}
    fields |= {"row_padding": padding[0], "column_padding": padding[1]}
    fields |= {"kernel_rows": size[0], "kernel_columns": size[1], "taps": taps, "depth": depth, "outputs": outputs}
    rows, columns = (Axis(1, s, p - k + s, p) for p, k, s in zip(padding, size, strides, strict=True))
    macs = taps * -(-size[1] // strides[1]) * depth * outputs
    inputs = ((operator.inputs[2], Window(rows, columns, taps)),)
    return typed_kernel("unetmm_transposed", x, fields, inputs, output=operator.outputs[0], macs=macs)
