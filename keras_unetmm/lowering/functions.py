# SPDX-License-Identifier: Apache-2.0
"""Functions of `keras.ops` that become layers: those whose own operator computes in floats, or is missing on some target."""

import keras
import numpy as np

from keras_unetmm import layers
from keras_unetmm.lowering.elementwise import Magnitude, Squared
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


def _divided(function, forms, args, name):
    divisor = args[1] if len(args) > 1 else None
    if isinstance(divisor, keras.KerasTensor) or np.size(divisor) != 1 or isinstance(args[0], (int, float)):
        return None
    return (Scaled(1 / float(np.ravel(keras.ops.convert_to_numpy(divisor))[0]), name=name),)


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
