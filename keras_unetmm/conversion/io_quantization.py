# SPDX-License-Identifier: Apache-2.0
"""A file's inputs and outputs as the bytes of a picture, whatever lies behind and before them, and their order."""

import copy

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_unetmm.tflite_file.edit import File

_SCALE = np.float32(1 / 255)
_ZERO_POINTS = {schema.TensorType.INT8: -128, schema.TensorType.UINT8: 0}


def in_order_of_model(content, network):
    """Returns a .tflite file whose inputs and outputs come in the order of the model, where there are several.

    Args:
        content: bytes of a file that TensorFlow has just written, with a signature.
        network: the `keras.Model` that it was made of.
    """
    if len(network.inputs) == len(network.outputs) == 1:
        return content
    file = File(content)
    signature = file.model.signatureDefs[0]
    inputs = {entry.name.decode(): entry.tensorIndex for entry in signature.inputs}
    outputs = {entry.name.decode(): entry.tensorIndex for entry in signature.outputs}
    file.main.inputs = np.array([inputs[x.name] for x in network.inputs], "int32")
    file.main.outputs = np.array([outputs[f"output_{k}"] for k in range(len(network.outputs))], "int32")
    return file.packed()


def with_byte_io(content, images):
    """Returns a .tflite file whose inputs have the scale 1/255, and its outputs too if they are images.

    Where the operators there need another scale, a QUANTIZE comes between.

    Args:
        content: bytes of a quantised file.
        images: list of bool, whether each output is an image.
    """
    file = File(content)
    ends = [("inputs", k, _put_before) for k in range(len(file.main.inputs))]
    ends += [("outputs", k, _put_behind) for k, image in enumerate(images) if image]
    for side, k, put in ends:
        tensor = file.main.tensors[int(getattr(file.main, side)[k])]
        if _fits(tensor):
            continue
        if tensor.type == schema.TensorType.UINT8:  # there is a QUANTIZE already
            tensor.quantization = _bytes(tensor)
        else:
            put(file, k)
    return file.packed()


def with_uint8(content, outputs):
    """Returns a .tflite file where int8 outputs are uint8, the bytes themselves.

    Args:
        content: bytes of a quantised file.
        outputs: iterable of int, which of its outputs.
    """
    file = File(content)
    for k in outputs:
        old = int(file.main.outputs[k])
        quantization = copy.copy(file.main.tensors[old].quantization)
        quantization.zeroPoint = np.array([int(quantization.zeroPoint[0]) + 128])
        new = file.add_tensor(old, file.main.tensors[old].shape, "/uint8", quantization=quantization)
        file.main.tensors[new].type = schema.TensorType.UINT8
        _append(file, k, old, new)
    return file.packed()


def _fits(tensor):
    found = tensor.quantization
    return np.float32(found.scale[0]) == _SCALE and int(found.zeroPoint[0]) == _ZERO_POINTS[tensor.type]


def _put_before(file, k):
    old = int(file.main.inputs[k])
    new = _byte_tensor(file, old, "/bytes")
    quantize = file.operator(schema.BuiltinOperator.QUANTIZE, 1, [new], old, schema.QuantizeOptionsT())
    file.main.operators = [quantize, *file.main.operators]
    file.main.inputs = _with(file.main.inputs, k, new)
    _rename(file, "inputs", old, new)


def _put_behind(file, k):
    old = int(file.main.outputs[k])
    _append(file, k, old, _byte_tensor(file, old, "/bytes"))


def _append(file, k, old, new):
    file.main.operators.append(file.operator(schema.BuiltinOperator.QUANTIZE, 1, [old], new, schema.QuantizeOptionsT()))
    file.main.outputs = _with(file.main.outputs, k, new)
    _rename(file, "outputs", old, new)


def _with(numbers, k, new):
    return np.array([new if i == k else number for i, number in enumerate(numbers)], "int32")


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
