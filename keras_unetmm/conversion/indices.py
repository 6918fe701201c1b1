# SPDX-License-Identifier: Apache-2.0
"""Class maps as the numbers of the classes: ARG_MAX, or of one class GREATER, and CAST behind a file's output."""

import copy

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_unetmm.tflite_file.edit import File


def with_indices(content, outputs=(0,)):
    """Returns a .tflite file where outputs are the number of the channel with the largest value, as int8.

    Of one channel, whose values are logits, it is 1 where they are above 0, and else 0. TFLM casts to no other byte.

    Args:
        content: bytes of a file.
        outputs: iterable of int, which of its outputs, each `(..., classes)` of int8, 128 at most.
    """
    file = File(content)
    for k in outputs:
        scores = int(file.main.outputs[k])
        one = file.main.tensors[scores].shape[-1] == 1
        result = (_above_zero if one else _largest)(file, scores)
        file.main.outputs = np.array([result if i == k else n for i, n in enumerate(file.main.outputs)], "int32")
        for signature in file.model.signatureDefs or []:
            for entry in signature.outputs or []:
                entry.tensorIndex = result if entry.tensorIndex == scores else entry.tensorIndex
    return file.packed()


def _largest(file, scores):
    shape = file.main.tensors[scores].shape
    axis = _added(file, scores, (1,), "/axis", "INT32", np.array([len(shape) - 1], "<i4"))
    places = _added(file, scores, shape[:-1], "/places", "INT32")
    largest = schema.ArgMaxOptionsT()
    largest.outputType = schema.TensorType.INT32
    file.main.operators.append(file.operator(schema.BuiltinOperator.ARG_MAX, 2, [scores, axis], places, largest))
    return _cast(file, places, "INT32", shape[:-1])


def _above_zero(file, scores):
    tensor = file.main.tensors[scores]
    shape, same = tensor.shape, copy.copy(tensor.quantization)
    zero = np.array([int(tensor.quantization.zeroPoint[0])], "int8")
    limit = file.add_tensor(scores, (1,), "/zero", zero, same)
    above = _added(file, scores, shape, "/above", "BOOL")
    greater = file.operator(schema.BuiltinOperator.GREATER, 2, [scores, limit], above, schema.GreaterOptionsT())
    file.main.operators.append(greater)
    number = _cast(file, above, "BOOL", shape)
    flat = _added(file, scores, (len(shape) - 1,), "/shape", "INT32", np.array(shape[:-1], "<i4"))
    result, options = _added(file, scores, shape[:-1], "/class", "INT8"), schema.ReshapeOptionsT()
    options.newShape = np.array(shape[:-1], "int32")
    file.main.operators.append(file.operator(schema.BuiltinOperator.RESHAPE, 1, [number, flat], result, options))
    return result


def _cast(file, read, kind, shape):
    result, cast = _added(file, read, shape, "/indices", "INT8"), schema.CastOptionsT()
    cast.inDataType, cast.outDataType = getattr(schema.TensorType, kind), schema.TensorType.INT8
    file.main.operators.append(file.operator(schema.BuiltinOperator.CAST, 1, [read], result, cast))
    return result


def _added(file, like, shape, suffix, kind, data=None):
    number = file.add_tensor(like, shape, suffix, data, schema.QuantizationParametersT())
    file.main.tensors[number].type = getattr(schema.TensorType, kind)
    return number
