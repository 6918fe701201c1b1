# SPDX-License-Identifier: Apache-2.0
"""QUANTIZE between integers, CAST, and what only floats could do."""

from keras_unetmm.engine.kernels import table
from keras_unetmm.engine.kernels.arithmetic import RANGES, bounded_multiplier
from keras_unetmm.engine.kernels.kernel import NoKernelError, Parameters, Same, raster
from keras_unetmm.engine.kernels.maps import kernel_without_weights, validate_types

_TYPES = ("INT8", "INT16", "INT32")


def quantize(graph, operator, tables=None):
    """Returns the `Kernel` of QUANTIZE; a table where it makes int8 of int8."""
    source, output = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
    validate_types(operator, (source, output), _TYPES)
    if tables is not None and table.fits(graph, operator):
        return table.kernel(graph, operator, tables)
    if source.type == output.type == "INT32":
        raise NoKernelError("QUANTIZE of int32 to int32 has no kernel.", "Leave it out.")
    multiplier, shift = bounded_multiplier(source.scales[0] / output.scales[0], "QUANTIZE")
    low, high = RANGES[output.type]
    fields = {
        "input_zero": source.zero_points[0],
        "multiplier": multiplier,
        "shift": shift,
        "output_zero": output.zero_points[0],
        "low": low,
        "high": high,
    }
    return _kernel(graph, operator, "unetmm_quantize_any", fields)


def cast(graph, operator, tables=None):
    """Returns the `Kernel` of CAST between integers."""
    source, output = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
    validate_types(operator, (source,), (*_TYPES, "BOOL"))
    validate_types(operator, (output,), _TYPES)
    names = ("input_zero", "multiplier", "shift", "output_zero", "low", "high")
    return _kernel(graph, operator, "unetmm_cast_any", dict.fromkeys(names, 0))


def floats(graph, operator, tables=None):
    """Raises: the operator makes floats, or takes them."""
    raise NoKernelError(f"{operator.name} computes with floats.", "Convert the network to full int8.")


def _kernel(graph, operator, function, fields):
    source, output = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
    channels, inputs = raster(source.shape)[3], ((operator.inputs[0], Same()),)
    sizes = {"channels": channels, "from": source.element_bytes, "to": output.element_bytes}
    parameters = Parameters("unetmm_quantize", {**sizes, **fields})
    return kernel_without_weights(graph, operator.outputs[0], function, "unetmm_quantize", parameters, inputs, channels)
