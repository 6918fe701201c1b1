# SPDX-License-Identifier: Apache-2.0
"""Which operators of TensorFlow Lite the converter writes for a lowered layer, by their names."""

import keras

from keras_unetmm import layers
from keras_unetmm.graph.nodes import parts
from keras_unetmm.lowering.elementwise import Squared
from keras_unetmm.lowering.integer_layers import EdgePadding, OperatorGELU, Resizing
from keras_unetmm.lowering.operator_layers import ChannelMean, OneChannel, ReciprocalRoot, Scaled, Shifted
from keras_unetmm.lowering.scales import activation

L = keras.layers
ACTIVATIONS = {  # of Keras, by the function's name; what a convolution takes in is written with it
    **dict.fromkeys(("linear", "relu", "relu6", "hard_tanh"), ""),
    **{"sigmoid": "LOGISTIC", "tanh": "TANH", "softmax": "SOFTMAX", "log_softmax": "LOG_SOFTMAX"},
    **{"silu": "LOGISTIC MUL", "gelu": "GELU", "elu": "ELU", "leaky_relu": "LEAKY_RELU"},
    **{"hard_sigmoid": "MUL", "hard_silu": "HARD_SWISH", "exponential": "EXP", "softplus": "EXP ADD LOG"},
    **{"mish": "EXP ADD LOG TANH MUL", "selu": "GREATER MUL EXP SUB SELECT", "celu": "RELU MINIMUM EXP SUB ADD"},
    **{"softsign": "ABS ADD DIV", "tanh_shrink": "TANH SUB", "hard_shrink": "ABS GREATER SELECT_V2"},
    **{"soft_shrink": "GREATER LESS ADD SUB SELECT SELECT_V2"},
    **{
        "sparse_plus": "LESS LESS_EQUAL ADD MUL SELECT SELECT_V2",
        "sparse_sigmoid": "GREATER_EQUAL LESS_EQUAL ADD MUL SELECT_V2",
    },
}
_IN_FLOATS = ("log_sigmoid", "sparsemax", "squareplus", "glu")
_LAYERS = (
    (L.SeparableConv2D, "DEPTHWISE_CONV_2D CONV_2D"),
    (L.DepthwiseConv2D, "DEPTHWISE_CONV_2D"),
    (L.Conv2DTranspose, "TRANSPOSE_CONV"),
    (L.Conv2D, "CONV_2D"),
    (L.Dense, "FULLY_CONNECTED"),
    (L.MaxPooling2D, "MAX_POOL_2D"),
    (L.AveragePooling2D, "AVERAGE_POOL_2D"),
    (L.GlobalAveragePooling2D, "MEAN"),
    (L.GlobalMaxPooling2D, "REDUCE_MAX"),
    (L.Add, "ADD"),
    (L.Subtract, "SUB"),
    (L.Multiply, "MUL"),
    (L.Maximum, "MAXIMUM"),
    (L.Minimum, "MINIMUM"),
    (L.Concatenate, "CONCATENATION"),
    ((L.Flatten, L.Reshape), "RESHAPE"),
    (L.Permute, "TRANSPOSE"),
    ((L.ZeroPadding2D, layers.PadToMultiple), "PAD"),
    ((L.Cropping2D, layers.CropLike, OneChannel), "STRIDED_SLICE"),
    ((layers.RepeatChannels, EdgePadding), "STRIDED_SLICE CONCATENATION"),
    (layers.SimpleGate, "SPLIT MUL"),
    (layers.PixelShuffle, "DEPTH_TO_SPACE"),
    (layers.PixelUnshuffle, "SPACE_TO_DEPTH"),
    (L.Softmax, "SOFTMAX"),
    (L.LeakyReLU, "LEAKY_RELU"),
    (L.PReLU, "PRELU"),
    (OperatorGELU, "GELU"),
    ((Scaled, Squared), "MUL"),
    (Shifted, "ADD"),
    (ReciprocalRoot, "RSQRT"),
)
_FUNCTIONS = {  # of keras.ops, by the class of the operation
    **{"Absolute": "ABS", "Add": "ADD", "Amax": "REDUCE_MAX", "Clip": "MAXIMUM MINIMUM", "Concatenate": "CONCATENATION"},
    **{"ExpandDims": "RESHAPE", "GetItem": "STRIDED_SLICE", "Max": "REDUCE_MAX", "Maximum": "MAXIMUM", "Mean": "MEAN"},
    **{
        "Minimum": "MINIMUM",
        "Multiply": "MUL",
        "Pad": "PAD",
        "Relu": "",
        "Relu6": "",
        "Reshape": "RESHAPE",
        "Sigmoid": "LOGISTIC",
    },
    **{"Rsqrt": "RSQRT", "Silu": "LOGISTIC MUL", "Slice": "SLICE", "Softmax": "SOFTMAX", "Split": "SPLIT"},
    **{"Squeeze": "RESHAPE", "Subtract": "SUB", "Sum": "SUM", "Tanh": "TANH", "Transpose": "TRANSPOSE"},
    **{"HardSilu": "HARD_SWISH", "HardSigmoid": "MUL", "MaxPool": "MAX_POOL_2D", "AveragePool": "AVERAGE_POOL_2D"},
}


def operators_written(layer):
    """Returns the names of the operators that a lowered layer becomes, a tuple without repetitions; None if one has floats.

    Args:
        layer: a layer of a lowered model, or the operation of a function of `keras.ops`.
    """
    if not isinstance(layer, L.Layer):
        return tuple(_FUNCTIONS[type(layer).__name__].split())
    if isinstance(layer, ChannelMean):
        return ("CONV_2D",) if layer.form == "convolution" else ("MEAN",)
    if isinstance(layer, Resizing):
        return ("RESIZE_NEAREST_NEIGHBOR" if layer.interpolation == "nearest" else "RESIZE_BILINEAR",)
    if isinstance(layer, L.ReLU):
        return _rectifier(layer)
    inner = (
        [operators_written(part) for part in parts(layer, recursive=False)] if isinstance(layer, layers.Composite) else []
    )
    if inner and not isinstance(layer, layers.SimpleGate):
        return None if None in inner else tuple(dict.fromkeys(name for names in inner for name in names))
    ends = activation(layer)
    if ends in _IN_FLOATS:
        return None
    own = next((names for kind, names in _LAYERS if isinstance(layer, kind)), "")
    return tuple(dict.fromkeys([*own.split(), *ACTIVATIONS.get(ends, "").split()]))


def _rectifier(layer):
    """A ReLU: with a slope and an end at once it has floats."""
    if layer.negative_slope:
        return None
    if layer.threshold:
        return ("GREATER", "SELECT_V2")
    return () if layer.max_value in (None, 6.0) else ("MINIMUM", "RELU")
