# SPDX-License-Identifier: Apache-2.0
"""L2_NORMALIZATION of int8."""

from keras_unetmm.engine.kernels.kernel import Parameters, Same
from keras_unetmm.engine.kernels.maps import kernel_without_weights, validate_types


def kernel(graph, operator, tables=None):
    """Returns the `Kernel` of L2_NORMALIZATION over the channels."""
    source, output = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
    validate_types(operator, (source, output), ("INT8",))
    name, inputs = "unetmm_normalize", ((operator.inputs[0], Same()),)
    parameters = Parameters(name, {"channels": source.shape[-1], "input_zero": source.zero_points[0]})
    macs = 2 * source.shape[-1]
    return kernel_without_weights(graph, operator.outputs[0], f"{name}_int8", name, parameters, inputs, macs)
