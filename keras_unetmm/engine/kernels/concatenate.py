# SPDX-License-Identifier: Apache-2.0
"""CONCATENATION and PACK."""

import math

from keras_unetmm.engine.kernels.kernel import All, Kernel, NoKernelError, Parameters, Same, Values, raster
from keras_unetmm.engine.kernels.maps import CTYPES, same_raster, validate_equal_types, validate_types, values

_MOST = 10  # UNETMM_INPUTS
_TYPES = ("INT8", "INT16", "INT32", "BOOL")


def kernel(graph, operator, tables=None):
    """Returns the `Kernel` of CONCATENATION: along the channels pixel by pixel, else from whole maps."""
    output = graph.tensors[operator.outputs[0]]
    axis = operator.options.Axis() % len(output.shape)
    if operator.options.FusedActivationFunction():
        raise NoKernelError("CONCATENATION with an activation has no kernel.", "Use an activation of its own.")
    return _joined(graph, operator, axis, [graph.tensors[i].shape for i in operator.inputs])


def pack(graph, operator, tables=None):
    """Returns the `Kernel` of PACK, which is a concatenation of maps with a new axis of one place."""
    output = graph.tensors[operator.outputs[0]]
    axis = operator.options.Axis() % len(output.shape)
    shapes = [(*shape[:axis], 1, *shape[axis:]) for shape in (graph.tensors[i].shape for i in operator.inputs)]
    return _joined(graph, operator, axis, shapes)


def _joined(graph, operator, axis, shapes):
    tensors, output = [graph.tensors[i] for i in operator.inputs], graph.tensors[operator.outputs[0]]
    validate_types(operator, (*tensors, output), _TYPES)
    validate_equal_types(operator, (*tensors, output))
    if len(tensors) > _MOST:
        raise NoKernelError(f"{operator.name} of {len(tensors)} maps has no kernel.", f"Join at most {_MOST} at once.")
    streams = axis == len(output.shape) - 1 and all(
        t.shape == shape and same_raster(t.shape, output.shape) for t, shape in zip(tensors, shapes, strict=True)
    )
    parts, inputs = {}, []
    for place, (index, shape) in enumerate(zip(operator.inputs, shapes, strict=True)):
        tensor = graph.tensors[index]
        constant = None if tensor.data is None else Values(CTYPES[tensor.type], values(tensor).reshape(-1))
        pixel = raster(tensor.shape)[3] * tensor.element_bytes
        run = math.prod(shape[axis:]) * tensor.element_bytes
        number = -1 if constant is not None else len(inputs)
        parts[f"part_{place}"] = Parameters(
            "unetmm_part",
            {"constant": constant, "input": number, "bytes": pixel if streams else run, "pixel": pixel},
        )
        if constant is None:
            inputs.append((index, Same() if streams else All()))
    empty = Parameters("unetmm_part", {"constant": None, "input": -1, "bytes": 0, "pixel": 0})
    parts |= {f"part_{place}": empty for place in range(len(tensors), _MOST)}
    pixel = raster(output.shape)[3] * output.element_bytes
    return Kernel(
        function="unetmm_concatenate_channels" if streams else "unetmm_concatenate_all",
        source="unetmm_concatenate.c",
        header="unetmm_concatenate.h",
        parameters=Parameters(
            "unetmm_concatenate",
            {
                "parts": Parameters("unetmm_part", parts),
                "count": len(tensors),
                "bytes": pixel,
                "total": sum(math.prod(shape[axis:]) for shape in shapes) * output.element_bytes,
            },
        ),
        inputs=tuple(inputs),
        output=operator.outputs[0],
        macs=raster(output.shape)[3],
    )
