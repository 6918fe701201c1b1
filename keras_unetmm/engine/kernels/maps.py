# SPDX-License-Identifier: Apache-2.0
"""What the kernels without weights share: types, constants, and how a map lies beside the output."""

import math

import numpy as np

from keras_unetmm.engine.kernels.kernel import All, Kernel, NoKernelError, Parameters, Same, Values, raster

CTYPES = {
    "INT8": "int8_t",
    "INT16": "int16_t",
    "INT32": "int32_t",
    "BOOL": "uint8_t",
    "UINT8": "uint8_t",
    "INT64": "int64_t",
}
_NUMPY = {"INT8": "<i1", "INT16": "<i2", "INT32": "<i4", "BOOL": "<u1", "UINT8": "<u1", "INT64": "<i8"}


def values(tensor):
    """Returns a constant tensor's values as an array of its shape."""
    if tensor.data is None:
        raise NoKernelError(
            f"{tensor.name!r} is computed where the kernel takes constants only.", "Make it a constant of the file."
        )
    return np.frombuffer(tensor.data.tobytes(), _NUMPY[tensor.type]).reshape(tensor.shape)


def validate_types(operator, tensors, allowed):
    """Raises where a tensor's type is not one of `allowed`."""
    for tensor in tensors:
        if tensor.type not in allowed:
            raise NoKernelError(
                f"{operator.name} of {tensor.type} ({tensor.name!r}) has no kernel; there are {', '.join(allowed)}.",
                "Convert the network to full int8.",
            )


def validate_equal_types(operator, tensors):
    """Raises where tensors differ in type."""
    kinds = {tensor.type for tensor in tensors}
    if len(kinds) > 1:
        raise NoKernelError(
            f"{operator.name} of maps of {' and '.join(sorted(kinds))} has no kernel.", "Use one type for all."
        )


def axes_of(tensor, rank):
    """Returns the axes that a constant names, from 0 on, in rising order."""
    return tuple(sorted({int(axis) % rank for axis in values(tensor).reshape(-1)}))


def four(shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Returns a shape as (images, rows, columns, channels); outer axes count as images."""
    *outer, height, width, channels = (1, 1, 1, *shape)
    return math.prod(outer), height, width, channels


def same_raster(shape, other):
    """Whether two maps have pixels at the same places."""
    return raster(shape)[:3] == raster(other)[:3]


def operand(graph, operator, index, output_shape, inputs):
    """Returns the `Parameters` of unetmm_operand for one tensor; a map is added to the list of the kernel's inputs.

    Maps with pixels where the output has them are read at the same place, all other maps whole.

    Raises:
        NoKernelError: for a broadcast of some but not all axes before the last three.
    """
    tensor = graph.tensors[index]
    field = {"constant": None, "input": -1, "same": 0, **_steps(operator, tensor, output_shape), "stride": 0}
    if tensor.data is not None:
        field["constant"] = Values(CTYPES[tensor.type], values(tensor).reshape(-1))
        field["stride"] = four(tensor.shape)[3] * tensor.element_bytes
    else:
        same = same_raster(tensor.shape, output_shape)
        field["input"], field["same"] = len(inputs), int(same)
        inputs.append((index, Same() if same else All()))
    return Parameters("unetmm_operand", field)


def operands(graph, operator, output_shape, indices=None):
    """Returns `(Parameters of unetmm_operands, inputs of the Kernel)` for an operator's two operands, as `operand` does."""
    inputs = []
    indices = operator.inputs if indices is None else indices
    fields = {
        name: operand(graph, operator, index, output_shape, inputs)
        for name, index in zip(("first", "second"), indices, strict=True)
    }
    _, height, width, channels = four(output_shape)
    return Parameters("unetmm_operands", {**fields, "image_pixels": height * width, "channels": channels}), tuple(inputs)


def _steps(operator, tensor, output_shape):
    """The pixels from one image, row and column to the next, and the elements from one channel to the next."""
    rank = max(4, len(output_shape))
    shape, whole = ((1,) * (rank - len(s)) + tuple(s) for s in (tensor.shape, output_shape))
    outer, full = shape[: rank - 3], whole[: rank - 3]
    if outer != full and math.prod(outer) != 1:
        raise NoKernelError(
            f"{operator.name} broadcasts some of the axes before the last three: {outer} to {full}.",
            "Broadcast all of them, or none.",
        )
    images, height, width, channels = four(tensor.shape)
    return {
        "image_step": height * width * (images > 1),
        "row_step": width * (height > 1),
        "column_step": int(width > 1),
        "channel_step": int(channels > 1),
    }


def kernel_without_weights(graph, output, function, file, parameters, inputs, macs):
    """Returns the `Kernel` of the C in `file`.c and `file`.h, which reads every byte before it writes there.

    Args:
        graph: `Graph`.
        output: int, tensor.
        function, file: str.
        parameters, inputs, macs: as `Kernel` has them.
    """
    over = _in_place(graph, inputs, output)
    return Kernel(function, f"{file}.c", f"{file}.h", parameters, inputs, output, macs=macs, in_place=over)


def _in_place(graph, inputs, output):
    """Whether the output may lie over an input that is read at the same place."""
    made = graph.tensors[output]
    return any(
        isinstance(access, Same) and graph.tensors[index].shape == made.shape and graph.tensors[index].type == made.type
        for index, access in inputs
    )
