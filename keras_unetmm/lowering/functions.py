# SPDX-License-Identifier: Apache-2.0
"""Functions of `keras.ops` that become layers: those whose own operator computes in floats, or is missing on some target."""

import keras
import numpy as np

from keras_unetmm import layers
from keras_unetmm.graph.nodes import calls, tensors_read
from keras_unetmm.lowering.elementwise import Magnitude, Squared
from keras_unetmm.lowering.folding import as_layer
from keras_unetmm.lowering.operator_layers import Scaled

NOTHING = ("Copy", "StopGradient")  # they do nothing outside training
_FLOATS = ("float16", "bfloat16", "float32", "float64")


def as_layers(function, forms, args):
    """Returns the tuple of layers of Keras or ours that stands for a function; None if there is none, or none is needed.

    Args:
        function: the operation of a function of `keras.ops`.
        forms: `keras_unetmm.targets.options.LoweringOptions`.
        args: tuple of what it was called on, tensors and constants.
    """
    kind, name = type(function).__name__, function.name
    if kind in NOTHING or (kind == "Cast" and function.dtype in _FLOATS):
        return ()
    if kind in _TABLE:
        return _TABLE[kind](function, forms, args, name)
    return None


def partly_read(operations, outputs):
    """Returns the names of the splits of which some part is read by nobody: TensorFlow's converter leaves those in floats.

    Args:
        operations: the operations of a graph.
        outputs: its outputs.
    """
    read = {id(x) for operation in operations for x in tensors_read(operation)} | {id(x) for x in outputs}
    splits = [operation for operation in operations if type(operation).__name__ == "Split"]
    return {split.name for split in splits if any(id(x) not in read for node in calls(split) for x in node.outputs)}


def as_slices(split, x):
    """Returns the parts of a split, each cut out of the map by itself.

    Args:
        split: the operation of `keras.ops.split`.
        x: tensor that it is called on.
    """
    axis, begin, parts = split.axis % len(x.shape), 0, []
    for part in split.compute_output_spec(x):
        end = begin + part.shape[axis]
        parts.append(x[(slice(None),) * axis + (slice(begin, end),)])
        begin = end
    return parts


def _divided(function, forms, args, name):
    if len(args) < 2 or isinstance(args[1], keras.KerasTensor) or not isinstance(args[0], keras.KerasTensor):
        return None
    divisor = np.asarray(keras.ops.convert_to_numpy(args[1]), "float32")
    if not divisor.all():
        return None
    if divisor.size == 1:
        return (Scaled(1 / float(divisor.ravel()[0]), name=name),)
    if divisor.shape[-1:] == (divisor.size,) == args[0].shape[-1:]:  # a number for each channel
        return (as_layer(1 / divisor.ravel(), np.zeros(divisor.size), args[0].shape, forms.affine, name),)
    return None


def _rectified(function, forms, args, name):
    return (keras.layers.ReLU(function.max_value, function.negative_slope, function.threshold, name=name),)


def _activated(activation, **arguments):
    """The form of a function that is one of Keras's activations, if its arguments have these values."""

    def form(function, forms, args, name):
        own = all(getattr(function, argument) == value for argument, value in arguments.items())
        return (keras.layers.Activation(activation, name=name),) if own else None

    return form


def _power(function, forms, args, name):
    return (Squared(name=name),) if len(args) > 1 and np.size(args[1]) == 1 and np.all(np.equal(args[1], 2)) else None


def _resized(function, forms, args, name):
    common = {"interpolation": function.interpolation, "antialias": function.antialias, "name": name}
    common |= {"crop_to_aspect_ratio": function.crop_to_aspect_ratio, "pad_to_aspect_ratio": function.pad_to_aspect_ratio}
    return (keras.layers.Resizing(*function.size, data_format=function.data_format, **common),)


def _shuffled(kind):
    def form(function, forms, args, name):
        return None if function.data_format == "channels_first" else (kind(function.block_size, name=name),)

    return form


_TABLE = {
    "Square": lambda function, forms, args, name: (Squared(name=name),),
    "Power": _power,
    "Absolute": lambda function, forms, args, name: (Magnitude(name=name),) if forms.absolute == "rectified" else None,
    "ReLU": _rectified,
    "Elu": _activated("elu", alpha=1.0),
    "Exp": _activated("exponential"),
    "HardTanh": _activated("hard_tanh"),
    "LogSoftmax": _activated("log_softmax", axis=-1),
    "Selu": _activated("selu"),
    "Softplus": _activated("softplus"),
    "Softsign": _activated("softsign"),
    "TanhShrink": _activated("tanh_shrink"),
    "LeakyRelu": lambda function, forms, args, name: (keras.layers.LeakyReLU(function.negative_slope, name=name),),
    "Negative": lambda function, forms, args, name: (Scaled(-1.0, name=name),),
    "Divide": _divided,
    "TrueDivide": _divided,
    "Resize": _resized,
    "DepthToSpace": _shuffled(layers.PixelShuffle),
    "SpaceToDepth": _shuffled(layers.PixelUnshuffle),
}
CHANGED = {*_TABLE, *NOTHING, "Cast"}
"""The names of the functions that this file knows."""
