# SPDX-License-Identifier: Apache-2.0
"""MAX_POOL_2D and AVERAGE_POOL_2D on maps of int8 and int16."""

from keras_unetmm.engine.kernels.arithmetic import RANGES, fused_range
from keras_unetmm.engine.kernels.kernel import Kernel, NoKernelError, Parameters, Same, raster
from keras_unetmm.engine.kernels.weights import check_rank, padding_before, window

_MOST_PIXELS = {"INT8": 2**23, "INT16": 2**15}  # whose sum fits 32 bits


def kernel(graph, operator, tables=None):
    """Returns the `Kernel` of a MAX_POOL_2D or AVERAGE_POOL_2D.

    Raises:
        NoKernelError: for a form that the engine lacks.
    """
    del tables
    options, x = operator.options, graph.tensors[operator.inputs[0]]
    output = graph.tensors[operator.outputs[0]]
    if x.type not in RANGES or output.type != x.type:
        raise NoKernelError(f"its map has the type {x.type.lower()}. The engine has int8 and int16.")
    check_rank(x)
    size = options.FilterHeight(), options.FilterWidth()
    strides = options.StrideH(), options.StrideW()
    padding = [padding_before(options, *each) for each in zip(x.shape[1:3], size, strides, strict=True)]
    _check_windows(x, output, size, strides, padding)
    average = operator.name == "AVERAGE_POOL_2D"
    if average and size[0] * size[1] > _MOST_PIXELS[x.type]:
        raise NoKernelError(f"its window has {size[0] * size[1]} places. The engine sums up to {_MOST_PIXELS[x.type]}.")
    low, high = fused_range(options.FusedActivationFunction(), output)
    if (
        average
        and output.shape[1:3] == (1, 1)
        and all(k - p >= n for k, p, n in zip(size, padding, x.shape[1:3], strict=True))
    ):
        return _whole(operator, x, low, high)
    fields = {"width": x.shape[2], "first": -padding[1], "stride": strides[1], "kernel_rows": size[0]}
    fields |= {"kernel_columns": size[1], "channels": x.shape[3], "low": low, "high": high}
    access = window(padding, size, strides)
    name = f"unetmm_pool_{'average' if average else 'max'}_{x.type.lower()}"
    parameters = Parameters("unetmm_pool", fields)
    macs = size[0] * size[1] * x.shape[3]
    return Kernel(
        name, "unetmm_pool.c", "unetmm_pool.h", parameters, ((operator.inputs[0], access),), operator.outputs[0], macs=macs
    )


def _whole(operator, x, low, high):
    """An average over a whole map, summed up pixel by pixel."""
    rows, width, image_rows, channels = raster(x.shape)
    fields = {"pixels": image_rows * width, "channels": channels, "low": low, "high": high}
    return Kernel(
        f"unetmm_pool_whole_{x.type.lower()}",
        "unetmm_pool.c",
        "unetmm_pool.h",
        Parameters("unetmm_pool_whole", fields),
        ((operator.inputs[0], Same()),),
        operator.outputs[0],
        walk=(rows, width, image_rows),
        accumulates=True,
        state=4 * channels,
        macs=channels,
    )


def _check_windows(x, output, size, strides, padding):
    """Refuses windows that lie beyond the map, whose average TFLM does not compute."""
    for places, made, kernel, stride, before in zip(x.shape[1:3], output.shape[1:3], size, strides, padding, strict=True):
        first, last = -before, (made - 1) * stride - before
        if first + kernel <= 0 or last >= places:
            raise NoKernelError(f"its windows of {size} lie beyond a map of {x.shape}. Choose a smaller stride or window.")
