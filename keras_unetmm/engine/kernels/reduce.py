# SPDX-License-Identifier: Apache-2.0
"""MEAN, SUM, REDUCE_MAX and REDUCE_MIN over any axes."""

import math

from keras_unetmm.engine.kernels.arithmetic import quantize_multiplier
from keras_unetmm.engine.kernels.kernel import All, Kernel, NoKernelError, Parameters, Same, raster
from keras_unetmm.engine.kernels.maps import axes_of, four, validate_equal_types, validate_types

_FUNCTIONS = {"MEAN": "sum", "SUM": "sum", "REDUCE_MAX": "largest", "REDUCE_MIN": "smallest"}
_AXES = ("images", "rows", "columns", "channels")


def kernel(graph, operator, tables=None):
    """Returns the `Kernel` of a reduction.

    Over rows and columns it keeps one sum a channel; over channels it works pixel by pixel; other axes take the whole map.
    """
    source, output = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
    validate_types(operator, (source, output), ("INT8", "INT16") if operator.name in ("MEAN", "SUM") else ("INT8",))
    validate_equal_types(operator, (source, output))
    axes = axes_of(graph.tensors[operator.inputs[1]], len(source.shape))
    reduced = _reduced(operator, source.shape, axes)
    sizes = dict(zip(_AXES, four(source.shape), strict=True))
    count = math.prod(source.shape[axis] for axis in axes)
    form = _form(sizes, reduced, output.shape)
    if math.prod(output.shape) * count != math.prod(source.shape):
        raise NoKernelError(
            f"{operator.name} of {source.shape} over axes {axes} to {output.shape}.", "Convert the model again."
        )
    name = _FUNCTIONS[operator.name]
    suffix = {"pixels": "", "channels": "_channels" if name == "sum" else "_channel", "all": "_all"}[form]
    rows, width, image_rows, _ = raster(source.shape)
    fields = {
        "channels": sizes["channels"],
        **_rescaling(operator, source, output, count),
        "rows": sizes["rows"],
        "width": sizes["columns"],
        **{f"{axis}_kept": int(axis not in reduced) for axis in _AXES},
        "images": sizes["images"],
        "output_channels": raster(output.shape)[3],
    }
    elements = count * raster(output.shape)[3] if form == "all" else sizes["channels"]
    return Kernel(
        function=f"unetmm_{name}{suffix}_{source.type.lower()}",
        source="unetmm_reduce.c",
        header="unetmm_reduce.h",
        parameters=Parameters("unetmm_reduce", fields),
        inputs=((operator.inputs[0], All() if form == "all" else Same()),),
        output=operator.outputs[0],
        walk=None if form == "all" else (rows, width, image_rows),
        accumulates=form == "pixels",
        state=4 * sizes["channels"] if form == "pixels" else 0,
        macs=elements,
    )


def _reduced(operator, shape, axes):
    """The names of the axes that are reduced, with those of one place counted as the kernel likes them."""
    outer = [axis in axes for axis in range(len(shape) - 3) if shape[axis] > 1]
    if len(set(outer)) > 1:
        raise NoKernelError(
            f"{operator.name} over axes {axes} of {shape} reduces some of the axes before the last three.",
            "Reduce all of them, or none.",
        )
    names = {"images"} if outer and outer[0] else set()
    return names | {name for back, name in ((3, "rows"), (2, "columns"), (1, "channels")) if len(shape) - back in axes}


def _form(sizes, reduced, output):
    """How the kernel walks: "pixels", "channels" or "all"."""
    several = {axis for axis in reduced if sizes[axis] > 1}
    kept = "channels" not in reduced and "images" not in several and output and output[-1] == sizes["channels"]
    if kept and several and all(axis in reduced or sizes[axis] == 1 for axis in ("rows", "columns")):
        return "pixels"
    return "channels" if reduced == {"channels"} else "all"


def _rescaling(operator, source, output, count):
    """The multiplier of a sum or mean; the quotient by the number of summands is part of it."""
    if operator.name not in ("MEAN", "SUM"):
        return {"multiplier": 0, "shift": 0, "offset": 0, "output_zero": 0}
    multiplier, shift = quantize_multiplier(source.scales[0] / output.scales[0])
    if operator.name == "MEAN":
        less = min(count.bit_length() - 1, 32, 31 + shift)
        multiplier, shift = (multiplier << less) // count, shift - less
    if shift > 31:
        raise NoKernelError(f"{operator.name} multiplies by 2^{shift} or so.", "Choose a larger output scale.")
    offset = (source.zero_points[0] * count + 2**31) % 2**32 - 2**31
    return {"multiplier": multiplier, "shift": shift, "offset": offset, "output_zero": output.zero_points[0]}
