# SPDX-License-Identifier: Apache-2.0
"""L2_NORMALIZATION of int8."""

from keras_unetmm.engine.kernels.kernel import Kernel, Parameters, Same
from keras_unetmm.engine.kernels.maps import in_place, validate_types


def kernel(graph, operator, tables=None):
    """Returns the `Kernel` of L2_NORMALIZATION over the channels."""
    source, output = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
    validate_types(operator, (source, output), ("INT8",))
    inputs = ((operator.inputs[0], Same()),)
    fields = {"channels": source.shape[-1], "input_zero": source.zero_points[0]}
    return Kernel(
        function="unetmm_normalize_int8",
        source="unetmm_normalize.c",
        header="unetmm_normalize.h",
        parameters=Parameters("unetmm_normalize", fields),
        inputs=inputs,
        output=operator.outputs[0],
        macs=2 * source.shape[-1],
        in_place=in_place(graph, inputs, operator.outputs[0]),
    )
