# SPDX-License-Identifier: Apache-2.0
"""SLICE and STRIDED_SLICE, and SPLIT and SPLIT_V along other axes than the channels."""

import numpy as np

from keras_unetmm.engine.kernels.copies import covering, fits_axis, gathered, sampled, strides
from keras_unetmm.engine.kernels.kernel import NoKernelError, raster
from keras_unetmm.engine.kernels.maps import four, validate_equal_types, validate_types, values

_TYPES = ("INT8", "INT16", "INT32", "BOOL")


def kernel(graph, operator, tables=None):
    """Returns the `Kernel` of SLICE."""
    source, output = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
    begins = values(graph.tensors[operator.inputs[1]]).astype(int).reshape(-1)
    runs = [range(begin, begin + size) for begin, size in zip(begins, output.shape, strict=True)]
    return _cut(graph, operator, operator.inputs[0], operator.outputs[0], runs, source.shape)


def strided(graph, operator, tables=None):
    """Returns the `Kernel` of STRIDED_SLICE."""
    source = graph.tensors[operator.inputs[0]]
    options = operator.options
    if options.EllipsisMask() or options.NewAxisMask():
        raise NoKernelError("STRIDED_SLICE with an ellipsis or a new axis has no kernel.", "Name every axis.")
    begins, ends, steps = (values(graph.tensors[i]).astype(int).reshape(-1).tolist() for i in operator.inputs[1:4])
    runs = []
    for axis, size in enumerate(source.shape):
        if axis >= len(begins):
            runs.append(range(size))
            continue
        bit, begin, end, step = 1 << axis, begins[axis], ends[axis], steps[axis]
        if options.ShrinkAxisMask() & bit:
            begin = 0 if options.BeginMask() & bit else begin % size
            runs.append(range(begin, begin + 1))
            continue
        if options.Offset():
            end += begin
        begin = None if options.BeginMask() & bit else begin
        runs.append(range(size)[slice(begin, None if options.EndMask() & bit else end, step)])
    return _cut(graph, operator, operator.inputs[0], operator.outputs[0], runs, source.shape)


def split(graph, operator, tables=None):
    """Returns a list of `Kernel`, one for each part."""
    axis_place, place = (0, 1) if operator.name == "SPLIT" else (2, 0)
    source = graph.tensors[operator.inputs[place]]
    axis = int(values(graph.tensors[operator.inputs[axis_place]]).reshape(-1)[0]) % len(source.shape)
    made, begin = [], 0
    for output in operator.outputs:
        size = graph.tensors[output].shape[axis]
        runs = [range(n) for n in source.shape]
        runs[axis] = range(begin, begin + size)
        made.append(_cut(graph, operator, operator.inputs[place], output, runs, source.shape))
        begin += size
    return made


def _cut(graph, operator, source, output, runs, shape):
    """The kernel that keeps some places of each axis; by the window where the rest is rows, columns and channels."""
    tensor, made = graph.tensors[source], graph.tensors[output]
    validate_types(operator, (tensor, made), _TYPES)
    validate_equal_types(operator, (tensor, made))
    kept = tuple(len(run) for run in runs)
    if np.prod(kept) != np.prod(made.shape):
        raise NoKernelError(
            f"{operator.name} to {kept} whose output has the shape {made.shape}.", "Convert the model again."
        )
    outer, (rows, columns, channels) = runs[:-3], [range(1), range(1), range(1), *runs][-3:]
    whole = all(run == range(n) for run, n in zip(outer, shape[: len(outer)], strict=True))
    positive = all(run.step > 0 for run in (rows, columns)) and (channels.step == 1 or len(channels) == 1)
    if whole and positive and raster(kept) == raster(made.shape) and four(shape)[0] == four(kept)[0]:
        steps = (rows.step, 1), (columns.step, 1)
        if all(fits_axis(covering(run, run, *step)) for run, step in zip((rows, columns), steps, strict=True)):
            run = (0, channels[0], len(channels), 0)
            return sampled(graph, source, output, list(rows), list(columns), run, steps)
    moved = [np.array(run) * step for run, step in zip(runs, strides(shape), strict=True)]
    return gathered(graph, source, output, moved)
