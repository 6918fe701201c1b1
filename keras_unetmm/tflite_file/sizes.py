# SPDX-License-Identifier: Apache-2.0
"""Tensors of a file given other sizes: constants and scales that fit, whose values say nothing."""

import numpy as np

_TYPES = {9: "int8", 2: "int32"}  # of constants, by the schema's numbers


def scaled(tensor, count):
    """Gives each channel the scale of the first, where there is one a channel."""
    if count > 1:
        wanted = int(tensor.shape[tensor.quantization.quantizedDimension])
        tensor.quantization.scale = np.full(wanted, tensor.quantization.scale[0], "float32")
        tensor.quantization.zeroPoint = np.zeros(wanted, "int64")


def filled(buffers, tensor):
    """Puts ones in the place of a constant."""
    data = buffers[tensor.buffer].data
    if data is not None and len(data) and tensor.type in _TYPES:
        buffers[tensor.buffer].data = np.frombuffer(np.ones(tensor.shape, _TYPES[tensor.type]).tobytes(), "uint8")


def reshaped(file, tensor, shape):
    """Gives a tensor another shape, and what it holds a size that fits, in a buffer of its own: others may have shared it.

    Args:
        file: `keras_unetmm.tflite_file.edit.File`.
        tensor: schema `TensorT` of it.
        shape: sequence of int, of as many sizes as before.
    """
    data = file.model.buffers[tensor.buffer].data
    if data is not None and len(data):
        tensor.buffer = file.add_buffer(data)
    tensor.shape = np.array(shape, "int32")
    tensor.shapeSignature = None
    if tensor.quantization is not None and tensor.quantization.scale is not None:
        scaled(tensor, len(tensor.quantization.scale))
    filled(file.model.buffers, tensor)
