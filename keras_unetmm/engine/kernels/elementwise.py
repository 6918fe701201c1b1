# SPDX-License-Identifier: Apache-2.0
"""ADD, SUB, MUL, SQUARED_DIFFERENCE, MAXIMUM and MINIMUM; DIV by a number."""

import numpy as np

from keras_unetmm.engine.kernels import exact, table
from keras_unetmm.engine.kernels.arithmetic import (
    RANGES,
    bounded_multiplier,
    fused_range,
    quantize_multiplier,
    small_multiplier,
)
from keras_unetmm.engine.kernels.kernel import NoKernelError, Parameters
from keras_unetmm.engine.kernels.maps import kernel_without_weights, operands, validate_equal_types, validate_types

_FUNCTIONS = {
    "ADD": ("unetmm_add", "unetmm_add"),
    "SUB": ("unetmm_subtract", "unetmm_add"),
    "SQUARED_DIFFERENCE": ("unetmm_squared_difference", "unetmm_add"),
    "MUL": ("unetmm_multiply", "unetmm_multiply"),
    "MAXIMUM": ("unetmm_maximum", "unetmm_maximum"),
    "MINIMUM": ("unetmm_minimum", "unetmm_maximum"),
}


def kernel(graph, operator, tables=None):
    """Returns the `Kernel` of an operator of two maps, or of a map and a constant."""
    tensors = [graph.tensors[i] for i in (*operator.inputs, operator.outputs[0])]
    extremes = operator.name in ("MAXIMUM", "MINIMUM")
    validate_types(operator, tensors, ("INT8", "INT16", "INT32") if extremes else ("INT8", "INT16"))
    validate_equal_types(operator, tensors)
    if tables is not None and table.fits(graph, operator):
        return table.kernel(graph, operator, tables)
    first, second, output = tensors
    places, inputs = operands(graph, operator, output.shape)
    function, source, fields = _form(operator, first, second, output)
    struct = function if source == "unetmm_linear" else source
    parameters = places if extremes else Parameters(struct, {"operands": places, **fields})
    function, macs = f"{function}_{output.type.lower()}", output.shape[-1] if output.shape else 1
    return kernel_without_weights(graph, operator.outputs[0], function, source, parameters, inputs, macs)


def _form(operator, first, second, output):
    """The C function, its file, and the fields of its parameters; the short arithmetic where it gives the same bytes."""
    function, source = _FUNCTIONS[operator.name]
    if source == "unetmm_maximum":
        return function, source, {}
    fields = (_product if operator.name == "MUL" else _sum)(operator, first, second, output)
    if output.type == "INT8":
        short = _short(operator.name, fields)
        if short is not None:
            return ("unetmm_product" if operator.name == "MUL" else "unetmm_linear"), "unetmm_linear", short
    return function, source, fields


def _short(name, fields):
    """The fields of the short arithmetic, or None where its bytes would differ."""
    limits = {"low": fields["low"], "high": fields["high"]}
    if name == "MUL":
        zeros = fields["first_zero"], fields["second_zero"]
        found = exact.product(*zeros, (fields["output_zero"], fields["multiplier"], fields["shift"]), *limits.values())
        names = ("left", "factor", "offset", "below", "shift")
        fixed = {"first_zero": zeros[0], "second_zero": zeros[1]}
    elif name in ("ADD", "SUB"):
        rescalings = [
            tuple(fields[f"{n}_{k}"] for k in ("zero", "multiplier", "shift")) for n in ("first", "second", "output")
        ]
        found = exact.linear(
            1 if name == "ADD" else -1, *rescalings[:2], fields["left_shift"], rescalings[2], *limits.values()
        )
        names, fixed = ("first_factor", "second_factor", "offset", "shift"), {}
    else:
        return None
    return None if found is None else {**fixed, **dict(zip(names, found, strict=True)), **limits}


def divide(graph, operator, tables=None):
    """Returns the `Kernel` of DIV of one map and a constant of one element, a table.

    TFLM divides two maps with shifts of more than 31 bits wherever the dividend is small, which C leaves undefined.
    """
    if not table.fits(graph, operator):
        raise NoKernelError(
            "DIV of two maps, or by more than one number, has no kernel: what TFLM makes of it is undefined.",
            "Multiply by the reciprocal.",
        )
    return table.kernel(graph, operator, tables)


def _product(operator, first, second, output):
    multiplier, shift = bounded_multiplier(first.scales[0] * second.scales[0] / output.scales[0], "MUL")
    low, high = fused_range(operator.options.FusedActivationFunction() if operator.options else 0, output)
    return {
        "first_zero": first.zero_points[0],
        "second_zero": second.zero_points[0],
        "output_zero": output.zero_points[0],
        "multiplier": multiplier,
        "shift": shift,
        "low": low,
        "high": high,
    }


def _sum(operator, first, second, output):
    wide = output.type == "INT16"
    left = {"SQUARED_DIFFERENCE": 0 if wide else 7}.get(operator.name, 15 if wide else 20)
    one, two, made = _multipliers(operator.name, first.scales[0], second.scales[0], output.scales[0], left)
    first_multiplier, first_shift = small_multiplier(one, f"{operator.name}'s first multiplier")
    second_multiplier, second_shift = small_multiplier(two, f"{operator.name}'s second multiplier")
    if operator.name == "SQUARED_DIFFERENCE":
        output_multiplier, output_shift = quantize_multiplier(made)
        low, high = RANGES[output.type]
    else:
        output_multiplier, output_shift = small_multiplier(made, f"{operator.name}'s output multiplier")
        low, high = fused_range(operator.options.FusedActivationFunction() if operator.options else 0, output)
    return {
        "left_shift": left,
        "first_zero": first.zero_points[0],
        "first_multiplier": first_multiplier,
        "first_shift": first_shift,
        "second_zero": second.zero_points[0],
        "second_multiplier": second_multiplier,
        "second_shift": second_shift,
        "output_zero": output.zero_points[0],
        "output_multiplier": output_multiplier,
        "output_shift": output_shift,
        "low": low,
        "high": high,
    }


def _multipliers(name, first, second, output, left):
    """Those of both operands and the output, in float64 as TFLM finds them."""
    twice = 2 * max(first, second)
    if name == "SQUARED_DIFFERENCE":
        return first / twice, second / twice, twice * twice / float(np.float32(2 ** (2 * left)) * np.float32(output))
    return first / twice, second / twice, twice / (2**left * output)
