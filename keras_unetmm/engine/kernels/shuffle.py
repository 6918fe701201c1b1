# SPDX-License-Identifier: Apache-2.0
"""DEPTH_TO_SPACE and SPACE_TO_DEPTH."""

from keras_unetmm.engine.kernels.kernel import Axis, Kernel, Parameters, Window
from keras_unetmm.engine.kernels.maps import validate_equal_types, validate_types

_TYPES = ("INT8",)


def depth_to_space(graph, operator, tables=None):
    """Returns the `Kernel` of DEPTH_TO_SPACE."""
    size = operator.options.BlockSize()
    return _kernel(graph, operator, "unetmm_depth_to_space", Axis(over=size), 1, graph.tensors[operator.outputs[0]])


def space_to_depth(graph, operator, tables=None):
    """Returns the `Kernel` of SPACE_TO_DEPTH."""
    size = operator.options.BlockSize()
    axis = Axis(step=size, last=size - 1)
    return _kernel(graph, operator, "unetmm_space_to_depth", axis, size, graph.tensors[operator.inputs[0]])


def _kernel(graph, operator, function, axis, taps, flat):
    source, output = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
    validate_types(operator, (source, output), _TYPES)
    validate_equal_types(operator, (source, output))
    fields = {"size": operator.options.BlockSize(), "bytes": flat.shape[-1] * flat.element_bytes}
    return Kernel(
        function=function,
        source="unetmm_shuffle.c",
        header="unetmm_shuffle.h",
        parameters=Parameters("unetmm_shuffle", fields),
        inputs=((operator.inputs[0], Window(axis, axis, taps)),),
        output=operator.outputs[0],
        macs=output.shape[-1],
    )
