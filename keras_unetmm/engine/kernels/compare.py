# SPDX-License-Identifier: Apache-2.0
"""EQUAL, NOT_EQUAL, GREATER, GREATER_EQUAL, LESS, LESS_EQUAL, LOGICAL_AND, LOGICAL_OR and SELECT_V2."""

from keras_unetmm.engine.kernels.arithmetic import small_multiplier
from keras_unetmm.engine.kernels.kernel import Kernel, Parameters, raster
from keras_unetmm.engine.kernels.maps import operand, operands, validate_equal_types, validate_types

_RESULTS = {  # where the first is below, equal to, above the second
    "EQUAL": (0, 1, 0),
    "NOT_EQUAL": (1, 0, 1),
    "GREATER": (0, 0, 1),
    "GREATER_EQUAL": (0, 1, 1),
    "LESS": (1, 0, 0),
    "LESS_EQUAL": (1, 1, 0),
}


def kernel(graph, operator, tables=None):
    """Returns the `Kernel` of a comparison."""
    first, second, output = (graph.tensors[i] for i in (*operator.inputs, operator.outputs[0]))
    validate_types(operator, (first, second), ("INT8", "INT32", *(("BOOL",) if "EQUAL" in operator.name[-5:] else ())))
    validate_equal_types(operator, (first, second))
    validate_types(operator, (output,), ("BOOL",))
    places, inputs = operands(graph, operator, output.shape)
    rescales = first.type == "INT8"
    scaling = {}
    for name, tensor in (("first", first), ("second", second)):
        multiplier, shift = small_multiplier(tensor.scales[0], f"{operator.name}'s scale") if rescales else (0, 0)
        zero = tensor.zero_points[0] if rescales else 0
        scaling |= {f"{name}_zero": zero, f"{name}_multiplier": multiplier, f"{name}_shift": shift}
    results = dict(zip(("below", "equal", "above"), _RESULTS[operator.name], strict=True))
    fields = {"operands": places, "element": first.element_bytes, "rescales": int(rescales), **scaling, **results}
    return _kernel(operator, "unetmm_compare", "unetmm_compare_any", fields, inputs, output)


def logical(graph, operator, tables=None):
    """Returns the `Kernel` of LOGICAL_AND or LOGICAL_OR: the smaller or the larger of two bytes that are 0 or 1."""
    tensors = [graph.tensors[i] for i in (*operator.inputs, operator.outputs[0])]
    validate_types(operator, tensors, ("BOOL",))
    places, inputs = operands(graph, operator, tensors[2].shape)
    function = "unetmm_minimum_int8" if operator.name == "LOGICAL_AND" else "unetmm_maximum_int8"
    return Kernel(
        function=function,
        source="unetmm_maximum.c",
        header="unetmm_maximum.h",
        parameters=places,
        inputs=inputs,
        output=operator.outputs[0],
        macs=raster(tensors[2].shape)[3],
    )


def select(graph, operator, tables=None):
    """Returns the `Kernel` of SELECT_V2."""
    condition, first, second, output = (graph.tensors[i] for i in (*operator.inputs, operator.outputs[0]))
    validate_types(operator, (condition,), ("BOOL",))
    validate_types(operator, (first, second, output), ("INT8", "INT16"))
    validate_equal_types(operator, (first, second, output))
    places, inputs = operands(graph, operator, output.shape, operator.inputs[1:])
    inputs = list(inputs)
    place = operand(graph, operator, operator.inputs[0], output.shape, inputs)
    fields = {"operands": places, "condition": place, "element": output.element_bytes}
    return _kernel(operator, "unetmm_select", "unetmm_select_any", fields, tuple(inputs), output)


def _kernel(operator, struct, function, fields, inputs, output):
    return Kernel(
        function=function,
        source=f"{struct}.c",
        header=f"{struct}.h",
        parameters=Parameters(struct, fields),
        inputs=inputs,
        output=operator.outputs[0],
        macs=raster(output.shape)[3],
    )
