# SPDX-License-Identifier: Apache-2.0
"""RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR, by tables that are made here."""

import numpy as np

from keras_unetmm.engine.kernels.arithmetic import round_half_away
from keras_unetmm.engine.kernels.copies import covering, sampled, taps
from keras_unetmm.engine.kernels.kernel import Kernel, NoKernelError, Parameters, Values, Window
from keras_unetmm.engine.kernels.maps import four, validate_equal_types, validate_types


def nearest(graph, operator, tables=None):
    """Returns the `Kernel` of RESIZE_NEAREST_NEIGHBOR."""
    source, pairs = _sizes(graph, operator, ("INT8", "INT16", "INT32"))
    options = operator.options
    rows, columns = (_nearest(*pair, options.AlignCorners(), options.HalfPixelCenters()) for pair in pairs)
    run = (0, 0, source.shape[-1], 0)
    return sampled(graph, operator.inputs[0], operator.outputs[0], rows, columns, run, pairs)


def _nearest(size, made, corners, half):
    """The place of the input for each of the output, found in float32 as TFLM does."""
    one = np.float32
    scale = one(size - 1) / one(made - 1) if corners and made > 1 else one(size) / one(made)
    offset = one(0.5 if half else 0)
    places = []
    for place in range(made):
        real = (one(place) + offset) * scale
        found = round_half_away(float(real)) if corners else int(np.floor(real))
        places.append(max(min(found, size - 1), 0))
    return places


def bilinear(graph, operator, tables=None):
    """Returns the `Kernel` of RESIZE_BILINEAR."""
    source, pairs = _sizes(graph, operator, ("INT8",))
    corners, half = operator.options.AlignCorners(), operator.options.HalfPixelCenters()
    rows, columns = (np.array([_between(p, *pair, corners, half) for p in range(pair[1])]) for pair in pairs)
    for table, (size, made) in zip((rows, columns), pairs, strict=True):
        if table[:, 0].max() >= size:
            raise NoKernelError(f"RESIZE_BILINEAR from {size} to {made} reads beyond the border.", "Resize by less at once.")
    axes = [covering(t[:, 0], t[:, 1], *pair) for t, pair in zip((rows, columns), pairs, strict=True)]
    return Kernel(
        function="unetmm_resize_bilinear_int8",
        source="unetmm_resize.c",
        header="unetmm_resize.h",
        parameters=Parameters(
            "unetmm_resize",
            {
                "rows": Values("int16_t", rows.astype("int16").reshape(-1)),
                "columns": Values("int16_t", columns.astype("int16").reshape(-1)),
                "channels": source.shape[-1],
            },
        ),
        inputs=((operator.inputs[0], Window(*axes, taps(axes[0], len(rows)))),),
        output=operator.outputs[0],
        macs=4 * source.shape[-1],
    )


def _between(place, size, made, corners, half):
    """The two places of the input and the weight of the second, in 1024ths."""
    scale = (1024 * size + made // 2) // made
    if corners and made > 1:
        scale = (1024 * (size - 1) + (made - 1) // 2) // (made - 1)
    at = place * scale + (scale // 2 - 512 if half else 0)
    low = max(int(at / 1024), 0)
    high = min(int((at + 1023) / 1024), size - 1)
    return low, high, at - 1024 * low


def _sizes(graph, operator, types):
    """The input, and `(input size, output size)` of rows and of columns."""
    source, output = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
    validate_types(operator, (source, output), types)
    validate_equal_types(operator, (source, output))
    pairs = list(zip(four(source.shape)[1:3], four(output.shape)[1:3], strict=True))
    return source, pairs
