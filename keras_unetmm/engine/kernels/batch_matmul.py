# SPDX-License-Identifier: Apache-2.0
"""BATCH_MATMUL on maps of int8 and int16, either of which may be constant."""

import math

import numpy as np

from keras_unetmm.engine.kernels.fully_connected import fully_connected_multipliers
from keras_unetmm.engine.kernels.kernel import All, Kernel, NoKernelError, Parameters, Same, Values
from keras_unetmm.engine.kernels.weights import check_shifts

_CTYPES = {"INT8": "int8_t", "INT16": "int16_t"}
_DTYPES = {"INT8": "<i1", "INT16": "<i2"}


def kernel(graph, operator, tables=None):
    """Returns the `Kernel` of a BATCH_MATMUL.

    Raises:
        NoKernelError: for a form that the engine lacks.
    """
    del tables
    first, second = (graph.tensors[index] for index in operator.inputs[:2])
    output, options = graph.tensors[operator.outputs[0]], operator.options
    if first.type not in _CTYPES or {second.type, output.type} != {first.type}:
        types = ", ".join(tensor.type.lower() for tensor in (first, second, output))
        raise NoKernelError(f"it has the types {types}. The engine has int8, and int16.")
    if first.data is not None and second.data is not None:
        raise NoKernelError("both factors are constant. Make their product a constant.")
    flips = options.AdjX(), options.AdjY()
    rows, columns = output.shape[-2:]
    depth = first.shape[-2 if flips[0] else -1]
    ((multiplier, shift),) = check_shifts(fully_connected_multipliers(first, second, output, 1), first.type == "INT8")
    same = first.data is None and not flips[0] and first.shape[:-1] == output.shape[:-1]
    inputs, factors = [], []
    for tensor, index, flip, place in zip((first, second), operator.inputs, flips, (same, False), strict=False):
        factors.append(_factor(tensor, output, flip, place, len(inputs)))
        if tensor.data is None:
            inputs.append((index, Same() if place else All()))
    fields = {"first": factors[0], "second": factors[1], "rows": rows, "columns": columns, "depth": depth}
    fields |= {"multiplier": multiplier, "shift": shift, "zero": output.zero_points[0]}
    return Kernel(
        f"unetmm_matmul_{first.type.lower()}",
        "unetmm_matmul.c",
        "unetmm_matmul.h",
        Parameters("unetmm_matmul", fields),
        tuple(inputs),
        operator.outputs[0],
        macs=depth * columns,
    )


def _factor(tensor, output, transposed, same, place):
    """The `Parameters` of one factor; `place` is the input that it is, unless it is constant."""
    rank = len(output.shape) - 2
    own = (1,) * (rank + 2 - len(tensor.shape)) + tensor.shape[:-2]
    matrices = np.broadcast_to(np.arange(math.prod(own)).reshape(own), output.shape[:-2])
    constant = None
    if tensor.data is not None:
        constant = Values(_CTYPES[tensor.type], np.frombuffer(tensor.data.tobytes(), _DTYPES[tensor.type]))
    fields = {"constant": constant, "matrices": Values("int32_t", matrices.astype("<i4").reshape(-1)), "input": place}
    fields |= {"same": int(same), "rows": tensor.shape[-2], "columns": tensor.shape[-1], "transposed": int(transposed)}
    return Parameters("unetmm_factor", {**fields, "zero": tensor.zero_points[0]})
