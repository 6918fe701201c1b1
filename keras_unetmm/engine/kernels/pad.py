# SPDX-License-Identifier: Apache-2.0
"""PAD, PADV2 and MIRROR_PAD."""

import numpy as np

from keras_unetmm.engine.kernels.copies import covering, fits_axis, gathered, sampled, strides
from keras_unetmm.engine.kernels.maps import four, validate_equal_types, validate_types, values


def kernel(graph, operator, tables=None):
    """Returns the `Kernel` of padding with a value: by the window where rows, columns and channels are padded."""
    source, output = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
    validate_types(operator, (source, output), ("INT8", "INT16", "INT32"))
    validate_equal_types(operator, (source, output))
    amounts = values(graph.tensors[operator.inputs[1]]).astype(int).tolist()
    fill = output.zero_points[0] if output.zero_points and source.type != "INT32" else 0
    if len(operator.inputs) > 2 and operator.inputs[2] >= 0:
        fill = int(values(graph.tensors[operator.inputs[2]]).reshape(-1)[0])
    indices = [
        np.array([-1] * before + list(range(size)) + [-1] * after)
        for size, (before, after) in zip(source.shape, amounts, strict=True)
    ]
    outer, (rows, columns, channels) = amounts[:-3], [(0, 0), (0, 0), (0, 0), *amounts][-3:]
    if not any(sum(both) for both in outer):
        tables_of_rows = [_index(size, both) for size, both in zip(four(source.shape)[1:3], (rows, columns), strict=True)]
        if all(fits_axis(covering(t, t, 1, 1)) for t in tables_of_rows):
            run = (channels[0], 0, source.shape[-1], channels[1])
            return sampled(graph, operator.inputs[0], operator.outputs[0], *tables_of_rows, run, ((1, 1), (1, 1)), fill)
    moved = [np.where(index >= 0, index * step, -1) for index, step in zip(indices, strides(source.shape), strict=True)]
    return gathered(graph, operator.inputs[0], operator.outputs[0], moved, fill)


def _index(size, both):
    return [-1] * both[0] + list(range(size)) + [-1] * both[1]


def mirror(graph, operator, tables=None):
    """Returns the `Kernel` of padding by reflection, without or with the border itself."""
    source, output = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
    validate_types(operator, (source, output), ("INT8",))
    validate_equal_types(operator, (source, output))
    amounts = values(graph.tensors[operator.inputs[1]]).astype(int).tolist()
    mode = ("reflect", "symmetric")[operator.options.Mode()]
    moved = [
        np.pad(np.arange(size), both, mode=mode) * step
        for size, both, step in zip(source.shape, amounts, strides(source.shape), strict=True)
    ]
    return gathered(graph, operator.inputs[0], operator.outputs[0], moved)
