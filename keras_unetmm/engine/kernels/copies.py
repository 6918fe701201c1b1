# SPDX-License-Identifier: Apache-2.0
"""Kernels that move elements: from a window where rows, columns and channels are only cut, repeated or padded, else from
the whole map by a table of indices for each axis of the output."""

import math

import numpy as np

from keras_unetmm.engine.kernels.kernel import All, Axis, Kernel, NoKernelError, Parameters, Values, Window, raster
from keras_unetmm.engine.kernels.maps import CTYPES, values

_AXES = 8  # UNETMM_GATHER_AXES
_SHORT = 2**15 - 1


def covering(low, high, step, over):
    """Returns the `Axis` of that step that needs no more places than it must, so that place p sees `low[p]` to `high[p]`.

    Args:
        low, high: sequences of int, one for each place of the output; those less than 0 are padding and need nothing.
        step, over: int, about how fast the walk goes over the input.
    """
    divisor = math.gcd(step, over)
    step, over = step // divisor, over // divisor
    pairs = [(p, a, b) for p, (a, b) in enumerate(zip(low, high, strict=True)) if a >= 0]
    first = min(((a + 1) * over - 1 - p * step for p, a, _ in pairs), default=0)
    last = max((b * over - p * step for p, _, b in pairs), default=0)
    if first >= last:  # one number does for both: the one nearest to 0
        first = last = min(max(0, last), first)
    return Axis(step, over, first, last)


def taps(axis, places):
    """Returns the most rows that one place of an axis needs."""
    return max(axis.high(p) - axis.low(p) + 1 for p in range(places))


def fits_axis(axis):
    """Whether an axis fits the engine's tables."""
    return all(-_SHORT <= number <= _SHORT for number in (axis.step, axis.over, axis.first, axis.last))


def sampled(graph, source, output, rows, columns, channels, steps, fill=0):
    """Returns the `Kernel` that takes whole runs of channels from a window.

    Args:
        source, output: int, tensors of as many images.
        rows, columns: sequences of int, the input's for each of the output; less than 0 for padding.
        channels: `(before, first, count, after)`: padding, the first channel of the input that is taken, how many, padding.
        steps: `((step, over), (step, over))` of rows and columns.
        fill: int, the value of padding.
    """
    tensor = graph.tensors[source]
    element = tensor.element_bytes
    before, first, count, after = (number * element for number in channels)
    row_axis, column_axis = (covering(t, t, *s) for t, s in zip((rows, columns), steps, strict=True))
    return Kernel(
        function="unetmm_sample_any",
        source="unetmm_sample.c",
        header="unetmm_sample.h",
        parameters=Parameters(
            "unetmm_sample",
            {
                "rows": Values("int16_t", np.array(rows, "int16")),
                "columns": Values("int16_t", np.array(columns, "int16")),
                "fill": _one(tensor, fill),
                "element": element,
                "before": before,
                "from": first,
                "copied": count,
                "after": after,
            },
        ),
        inputs=((source, Window(row_axis, column_axis, taps(row_axis, len(rows)))),),
        output=output,
        macs=sum(channels) - channels[1],
    )


def gathered(graph, source, output, tables, fill=0):
    """Returns the `Kernel` that takes each element of the output from a whole map, or from a constant.

    Args:
        source, output: int, tensors.
        tables: list of arrays of int, one for each axis of the output or for each factor of one: what a place adds to the
            index of the element in the source; less than 0 for padding.
        fill: int, the value of padding.
    """
    tensor, made = graph.tensors[source], graph.tensors[output]
    tables = _merged([np.asarray(table, "int64") for table in tables])
    if len(tables) > _AXES:
        raise NoKernelError(f"a copy along {len(tables)} axes has no kernel.", f"Use at most {_AXES}.")
    constant = None if tensor.data is None else Values(CTYPES[tensor.type], values(tensor).reshape(-1))
    return Kernel(
        function="unetmm_gather_any",
        source="unetmm_gather.c",
        header="unetmm_gather.h",
        parameters=Parameters(
            "unetmm_gather",
            {
                "offsets": Values("int32_t", np.concatenate(tables).astype("int32")),
                "sizes": Values("int32_t", np.array([len(table) for table in tables], "int32")),
                "constant": constant,
                "fill": _one(tensor, fill),
                "axes": len(tables),
                "channels": raster(made.shape)[3],
                "input_channels": raster(tensor.shape)[3],
                "element": tensor.element_bytes,
            },
        ),
        inputs=() if tensor.data is not None else ((source, All()),),
        output=output,
        macs=raster(made.shape)[3],
    )


def strides(shape):
    """Returns the elements from one place to the next along each axis of a shape."""
    return [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]


def _merged(tables):
    """Tables with those axes dropped that have one place, which adds nothing or all that the axis adds."""
    kept, base = [], 0
    for table in tables:
        if len(table) == 1 and table[0] >= 0:
            base += int(table[0])
        else:
            kept.append(table)
    kept = kept or [np.zeros(1, "int64")]
    kept[-1] = np.where(kept[-1] >= 0, kept[-1] + base, -1)
    return kept


def _one(tensor, value):
    kind = {1: "int8", 2: "int16", 4: "int32", 8: "int64"}[tensor.element_bytes]
    return Values(CTYPES[tensor.type], np.array([value], kind))
