# SPDX-License-Identifier: Apache-2.0
"""DEPTH_TO_SPACE and SPACE_TO_DEPTH as convolutions with kernels of ones and zeros, for compilers that know neither.

Every output value is one input value times 1 and nothing else, and both have the same scale, so the bytes stay the same.
"""

import copy

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_unetmm.tflite_file.edit import File

_SHUFFLES = {schema.BuiltinOperator.DEPTH_TO_SPACE: "up", schema.BuiltinOperator.SPACE_TO_DEPTH: "down"}


def without_shuffles(content: bytes) -> tuple[bytes, int]:
    """Returns a .tflite file that gives the same bytes without DEPTH_TO_SPACE and SPACE_TO_DEPTH, and how many it had.

    DEPTH_TO_SPACE becomes transposed convolutions of stride 2, one for each power of two in its block; another block
    stays as it is. SPACE_TO_DEPTH becomes a strided convolution. A plan in the file is dropped, for tensors are added.

    Args:
        content: bytes of a .tflite file. Maps that are not int8 stay as they are.
    """
    file, replaced = File(content), 0
    operators: list = []
    for operator in file.main.operators:
        code = file.model.operatorCodes[operator.opcodeIndex]
        kind = _SHUFFLES.get(max(code.builtinCode, code.deprecatedBuiltinCode))
        made = None if kind is None else _made(file, operator, kind)
        operators += [operator] if made is None else made
        replaced += made is not None
    if not replaced:
        return content, 0
    file.main.operators = operators
    file.remove_plan()
    file.prune()
    return file.packed(), replaced


def _made(file, operator, kind):
    """The operators in place of a shuffle, or None if it stays."""
    source, output = int(operator.inputs[0]), int(operator.outputs[0])
    before, after = file.main.tensors[source], file.main.tensors[output]
    alike = all(
        np.array_equal(getattr(before.quantization, field), getattr(after.quantization, field))
        for field in ("scale", "zeroPoint")
    )
    block = operator.builtinOptions.blockSize
    if before.type != schema.TensorType.INT8 or len(before.shape) != 4 or not alike or block < 2:
        return None
    if kind == "down":
        return [_strided(file, source, output, block)]
    return _transposed(file, source, output, block) if block & (block - 1) == 0 else None


def _strided(file, source, output, block):
    """Channel (dy * block + dx) * C + c of the output is channel c of the pixel (dy, dx) of a block."""
    channels = int(file.main.tensors[source].shape[3])
    deep = channels * block**2
    kernel = np.eye(deep, dtype="int8").reshape(deep, block, block, channels)
    options = schema.Conv2DOptionsT()
    options.padding, options.strideH, options.strideW = schema.Padding.VALID, block, block
    options.dilationHFactor = options.dilationWFactor = 1
    inputs = [source, _ones(file, output, kernel), _zeros(file, source, deep)]
    return file.operator(schema.BuiltinOperator.CONV_2D, 3, inputs, output, options)


def _transposed(file, source, output, block):
    """Each step halves the block: the higher bits of the place in it come first, the lower ones stay in the channels."""
    made = []
    while block > 1:
        half = block // 2
        batch, height, width, deep = map(int, file.main.tensors[source].shape)
        channels = deep // block**2
        shape = batch, 2 * height, 2 * width, channels * half**2
        target = output if half == 1 else file.add_tensor(output, shape, f"/by{block}")
        kernel = np.eye(deep, dtype="int8").reshape(2, half, 2, half, channels, deep)  # dy, its rest, dx, its rest, c
        kernel = kernel.transpose(1, 3, 4, 0, 2, 5).reshape(shape[3], 2, 2, deep)
        options = schema.TransposeConvOptionsT()
        options.padding, options.strideH, options.strideW = schema.Padding.VALID, 2, 2
        size = file.add_tensor(output, (4,), "/shape", np.array(shape, "<i4"))
        file.main.tensors[size].type, file.main.tensors[size].quantization = schema.TensorType.INT32, None
        inputs = [size, _ones(file, output, kernel), source]
        made.append(file.operator(schema.BuiltinOperator.TRANSPOSE_CONV, 2, inputs, target, options))
        source, block = target, half
    return made


def _zeros(file, source, channels):
    """A bias of nothing: some compilers take no convolution without one."""
    quantization = copy.copy(file.main.tensors[source].quantization)  # its scale is that of the input, times 1
    quantization.zeroPoint, quantization.min, quantization.max = np.zeros(1, "int64"), None, None
    bias = file.add_tensor(source, (channels,), "/zeros", np.zeros(channels, "<i4"), quantization)
    file.main.tensors[bias].type = schema.TensorType.INT32
    return bias


def _ones(file, like, kernel):
    """A constant of int8 in which 1 stands for 1."""
    quantization = copy.copy(file.main.tensors[like].quantization)
    quantization.scale, quantization.zeroPoint = np.ones(1, "float32"), np.zeros(1, "int64")
    quantization.min = quantization.max = None
    return file.add_tensor(like, kernel.shape, "/ones", kernel, quantization)
