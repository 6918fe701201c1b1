# SPDX-License-Identifier: Apache-2.0
"""What moves elements of a whole map: TRANSPOSE, TILE, BROADCAST_TO, GATHER, UNPACK, REVERSE_V2, BATCH_TO_SPACE_ND and
SPACE_TO_BATCH_ND."""

import numpy as np

from keras_unetmm.engine.kernels.copies import gathered, strides
from keras_unetmm.engine.kernels.kernel import NoKernelError
from keras_unetmm.engine.kernels.maps import axes_of, validate_equal_types, validate_types, values

_TYPES = ("INT8", "INT16", "INT32", "BOOL")


def _checked(graph, operator, types=_TYPES):
    source, output = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
    validate_types(operator, (source, output), types)
    validate_equal_types(operator, (source, output))
    return source, output


def _moved(graph, operator, tables):
    return gathered(graph, operator.inputs[0], operator.outputs[0], tables)


def transpose(graph, operator, tables=None):
    """Returns the `Kernel` of TRANSPOSE."""
    source, _ = _checked(graph, operator)
    steps = strides(source.shape)
    order = [int(axis) % len(source.shape) for axis in values(graph.tensors[operator.inputs[1]]).reshape(-1)]
    return _moved(graph, operator, [np.arange(source.shape[axis]) * steps[axis] for axis in order])


def tile(graph, operator, tables=None):
    """Returns the `Kernel` of TILE."""
    source, _ = _checked(graph, operator)
    counts = values(graph.tensors[operator.inputs[1]]).reshape(-1).tolist()
    return _moved(
        graph,
        operator,
        [np.tile(np.arange(n), count) * s for n, count, s in zip(source.shape, counts, strides(source.shape), strict=True)],
    )


def broadcast(graph, operator, tables=None):
    """Returns the `Kernel` of BROADCAST_TO."""
    source, output = _checked(graph, operator)
    shape = (1,) * (len(output.shape) - len(source.shape)) + tuple(source.shape)
    if len(shape) != len(output.shape) or any(n not in (1, made) for n, made in zip(shape, output.shape, strict=True)):
        raise NoKernelError(
            f"BROADCAST_TO from the shape {source.shape} to {output.shape} has no kernel.", "Convert it again."
        )
    return _moved(
        graph,
        operator,
        [np.arange(made) % n * s for made, n, s in zip(output.shape, shape, strides(shape), strict=True)],
    )


def gather(graph, operator, tables=None):
    """Returns the `Kernel` of GATHER with constant places."""
    source, _ = _checked(graph, operator)
    if operator.options.BatchDims():
        raise NoKernelError("GATHER with batch dimensions has no kernel.", "Gather along one axis of the whole map.")
    axis = operator.options.Axis() % len(source.shape)
    places = values(graph.tensors[operator.inputs[1]]).reshape(-1).astype("int64")
    runs = [places if i == axis else np.arange(n) for i, n in enumerate(source.shape)]
    return _moved(graph, operator, [run * step for run, step in zip(runs, strides(source.shape), strict=True)])


def unpack(graph, operator, tables=None):
    """Returns a list of `Kernel`, one for each place along the axis."""
    source, _ = _checked(graph, operator)
    axis, made = operator.options.Axis() % len(source.shape), []
    for place, output in enumerate(operator.outputs):
        runs = [np.array([place]) if i == axis else np.arange(n) for i, n in enumerate(source.shape)]
        moved = [run * step for run, step in zip(runs, strides(source.shape), strict=True)]
        made.append(gathered(graph, operator.inputs[0], output, moved))
    return made


def reverse(graph, operator, tables=None):
    """Returns the `Kernel` of REVERSE_V2."""
    source, _ = _checked(graph, operator)
    axes = axes_of(graph.tensors[operator.inputs[1]], len(source.shape))
    runs = [np.arange(n)[::-1] if axis in axes else np.arange(n) for axis, n in enumerate(source.shape)]
    return _moved(graph, operator, [run * step for run, step in zip(runs, strides(source.shape), strict=True)])


def batch_to_space(graph, operator, tables=None):
    """Returns the `Kernel` of BATCH_TO_SPACE_ND."""
    source, output = _checked(graph, operator, ("INT8",))
    blocks, crops = _blocks(graph, operator)
    if len(source.shape) != 4:
        raise NoKernelError(f"BATCH_TO_SPACE_ND of {source.shape} has no kernel.", "Use maps of four axes.")
    images, rows, columns, step = strides(source.shape)
    image = images * output.shape[0]  # from one place of the block to the next
    y = np.arange(output.shape[1]) + crops[0][0]
    x = np.arange(output.shape[2]) + crops[1][0]
    return _moved(
        graph,
        operator,
        [
            np.arange(output.shape[0]) * images,
            y // blocks[0] * rows + y % blocks[0] * blocks[1] * image,
            x // blocks[1] * columns + x % blocks[1] * image,
            np.arange(output.shape[3]) * step,
        ],
    )


def space_to_batch(graph, operator, tables=None):
    """Returns the `Kernel` of SPACE_TO_BATCH_ND without padding."""
    source, output = _checked(graph, operator, ("INT8",))
    blocks, pads = _blocks(graph, operator)
    if len(source.shape) != 4 or np.any(pads):
        raise NoKernelError(
            f"SPACE_TO_BATCH_ND of {source.shape} padded by {np.asarray(pads).tolist()} has no kernel.", "Pad it before."
        )
    images, rows, columns, step = strides(source.shape)
    return _moved(
        graph,
        operator,
        [
            np.arange(blocks[0]) * rows,
            np.arange(blocks[1]) * columns,
            np.arange(source.shape[0]) * images,
            np.arange(output.shape[1]) * blocks[0] * rows,
            np.arange(output.shape[2]) * blocks[1] * columns,
            np.arange(output.shape[3]) * step,
        ],
    )


def _blocks(graph, operator):
    blocks, amounts = (values(graph.tensors[i]) for i in operator.inputs[1:3])
    return blocks.reshape(-1).tolist(), amounts.reshape(-1, 2).tolist()
