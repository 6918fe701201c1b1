"""A file's input and output as the bytes of a picture, whatever lies behind and before them."""

import copy

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_unetmm.tflite_file.edit import File

_SCALE = np.float32(1 / 255)
_ZERO_POINTS = {schema.TensorType.INT8: -128, schema.TensorType.UINT8: 0}


def with_byte_io(content, image):
    """Returns a .tflite file whose input has the scale 1/255, and its output too if it is an image.

    Where the operators there need another scale, a QUANTIZE comes between.

    Args:
        content: bytes of a quantised file with one input and one output.
        image: bool, whether the output is an image.
    """
    file = File(content)
    for number, put in ((file.main.inputs[0], _put_before), *([(file.main.outputs[0], _put_behind)] if image else [])):
        tensor = file.main.tensors[int(number)]
        if _fits(tensor):
            continue
        if tensor.type == schema.TensorType.UINT8:  # there is a QUANTIZE already
            tensor.quantization = _bytes(tensor)
        else:
            put(file)
    return file.packed()


def _fits(tensor):
    found = tensor.quantization
    return np.float32(found.scale[0]) == _SCALE and int(found.zeroPoint[0]) == _ZERO_POINTS[tensor.type]


def _put_before(file):
    old = int(file.main.inputs[0])
    new = _byte_tensor(file, old, "/bytes")
    quantize = file.operator(schema.BuiltinOperator.QUANTIZE, 1, [new], old, schema.QuantizeOptionsT())
    file.main.operators = [quantize, *file.main.operators]
    file.main.inputs = np.array([new], "int32")
    _rename(file, "inputs", old, new)


def _put_behind(file):
    old = int(file.main.outputs[0])
    new = _byte_tensor(file, old, "/bytes")
    file.main.operators.append(file.operator(schema.BuiltinOperator.QUANTIZE, 1, [old], new, schema.QuantizeOptionsT()))
    file.main.outputs = np.array([new], "int32")
    _rename(file, "outputs", old, new)


def _byte_tensor(file, like, suffix):
    tensor = file.main.tensors[like]
    return file.add_tensor(like, tensor.shape, suffix, quantization=_bytes(tensor))


def _bytes(tensor):
    quantization = copy.copy(tensor.quantization)
    quantization.scale, quantization.zeroPoint = np.array([_SCALE]), np.array([_ZERO_POINTS[tensor.type]])
    return quantization


def _rename(file, name, old, new):
    for signature in file.model.signatureDefs or []:
        for entry in getattr(signature, name) or []:
            entry.tensorIndex = new if entry.tensorIndex == old else entry.tensorIndex
