# SPDX-License-Identifier: Apache-2.0
"""SVDF on maps of int8; its state, a variable of the file, lives from one run to the next."""

import numpy as np

from keras_unetmm.engine.kernels.kernel import Kernel, NoKernelError, Parameters, Same, Values
from keras_unetmm.engine.kernels.weights import check_shifts, check_terms

_DTYPES = {"INT8": "<i1", "INT16": "<i2", "INT32": "<i4"}


def kernel(graph, operator, tables=None):
    """Returns the `Kernel` of an SVDF.

    Raises:
        NoKernelError: for a form that the engine lacks.
    """
    del tables
    if len(operator.inputs) != 5 or min(operator.inputs) < 0:
        raise NoKernelError("it must have a map, features, weights over time, a bias and a state.")
    x, features, times, bias, state = (graph.tensors[index] for index in operator.inputs)
    output = graph.tensors[operator.outputs[0]]
    types = x.type, features.type, times.type, bias.type, state.type, output.type
    if types not in (("INT8", "INT8", kind, "INT32", kind, "INT8") for kind in ("INT8", "INT16")):
        received = ", ".join(map(str.lower, types))
        raise NoKernelError(f"it has the types {received}. The engine has int8 with a state of 8 or 16 bits.")
    if features.data is None or times.data is None or bias.data is None:
        raise NoKernelError("its weights and bias must be constants.")
    if not state.variable or state.data is not None:
        raise NoKernelError("its state must be a variable.")
    if sum(operator.inputs[4] in other.inputs for other in graph.operators) > 1:
        raise NoKernelError("others read its state, too. Give every SVDF a state of its own.")
    (filters, inputs), rank = features.shape, operator.options.Rank()
    check_terms(inputs, apart=True)
    scales = [np.float32(tensor.scales[0]) for tensor in (x, features, state, times, output)]
    reals = scales[0] * scales[1] / scales[2], scales[2] * scales[3] / scales[4]  # in float32, as TFLM finds them
    first, second = check_shifts([float(real) for real in reals], narrow=True)
    arrays = [np.frombuffer(tensor.data.tobytes(), _DTYPES[tensor.type]) for tensor in (features, times, bias)]
    narrow = state.type == "INT8"
    fields = {"features": Values("int8_t", arrays[0])}
    fields |= {"times": Values("int8_t", arrays[1]) if narrow else None}
    fields |= {"wide_times": None if narrow else Values("int16_t", arrays[1])}
    fields |= {"bias": Values("int32_t", arrays[2]), "inputs": inputs, "outputs": filters // rank, "rank": rank}
    fields |= {"memory": times.shape[1], "input_zero": x.zero_points[0], "state_zero": state.zero_points[0]}
    fields |= {"output_zero": output.zero_points[0]}
    fields |= {"state_multiplier": first[0], "state_shift": first[1]}
    fields |= {"output_multiplier": second[0], "output_shift": second[1]}
    return Kernel(
        "unetmm_svdf_int8",
        "unetmm_svdf.c",
        "unetmm_svdf.h",
        Parameters("unetmm_svdf", fields),
        ((operator.inputs[0], Same()),),
        operator.outputs[0],
        state=state.bytes,
        kept=True,
        macs=filters * (inputs + times.shape[1]),
    )
