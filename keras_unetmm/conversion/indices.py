"""Class maps as the numbers of the classes: ARG_MAX and CAST behind a file's output."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_unetmm.tflite_file.edit import File


def with_indices(content):
    """Returns a .tflite file whose output is the number of the channel with the largest value, as int8.

    TFLM casts to no other byte.

    Args:
        content: bytes of a file with one output, `(..., classes)` of int8, 128 at most.
    """
    file = File(content)
    scores = int(file.main.outputs[0])
    shape = file.main.tensors[scores].shape
    none = schema.QuantizationParametersT()
    axis = file.add_tensor(scores, (1,), "/axis", np.array([len(shape) - 1], "<i4"), none)
    places = file.add_tensor(scores, shape[:-1], "/places", quantization=none)
    result = file.add_tensor(scores, shape[:-1], "/indices", quantization=none)
    for tensor in (axis, places):
        file.main.tensors[tensor].type = schema.TensorType.INT32
    largest, cast = schema.ArgMaxOptionsT(), schema.CastOptionsT()
    largest.outputType, cast.inDataType, cast.outDataType = (
        schema.TensorType.INT32,
        schema.TensorType.INT32,
        schema.TensorType.INT8,
    )
    file.main.operators += [
        file.operator(schema.BuiltinOperator.ARG_MAX, 2, [scores, axis], places, largest),
        file.operator(schema.BuiltinOperator.CAST, 1, [places], result, cast),
    ]
    file.main.outputs = np.array([result], "int32")
    for signature in file.model.signatureDefs or []:
        for entry in signature.outputs or []:
            entry.tensorIndex = result if entry.tensorIndex == scores else entry.tensorIndex
    return file.packed()
