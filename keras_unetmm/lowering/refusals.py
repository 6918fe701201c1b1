# SPDX-License-Identifier: Apache-2.0
"""Why a layer has no integer form, what its argument may be instead, and the smallest change of the model."""

import keras

from keras_unetmm.lowering import legalize, sequences, volumes
from keras_unetmm.lowering.functions import CHANGED
from keras_unetmm.lowering.scales import activation
from keras_unetmm.lowering.written import ACTIVATIONS, operators_written
from keras_unetmm.targets.by_name import verdict_on_name
from keras_unetmm.targets.verdict import UNSUPPORTED

L = keras.layers
_NO_2D = "Compute it outside of the model, or train another layer in its place"


def lacking(layer, target):
    """Returns why the activation of a lowered layer does not run on a target, or an empty str.

    Args:
        layer: a layer of a lowered model, or the operation of a function of `keras.ops`.
        target: str, one of `keras_unetmm.targets.targets.TARGETS`.
    """
    if not isinstance(layer, (L.ReLU, L.ELU)) and getattr(layer, "activation", None) is None:
        return ""
    names = operators_written(layer)
    if names is None:
        return "which the converter computes in floats"
    missing = [name for name in names if verdict_on_name(target, name) == UNSUPPORTED]
    return f"which becomes {', '.join(names)}, and {target} has no {' and no '.join(missing)}" if missing else ""


def converting_activations(target):
    """Returns the names of Keras's activations that convert for a target."""
    found = {"gelu", "leaky_relu"}  # which have other forms where the operator is missing
    for name, operators in ACTIVATIONS.items():
        if UNSUPPORTED not in [verdict_on_name(target, operator) for operator in operators.split()]:
            found.add(name)
    return sorted(found)


def reason(layer, shapes, chain=(), target="tflm"):
    """Returns two sentences: what is wrong with a layer, and what to change.

    Args:
        layer: a Keras layer, or the operation of a function of `keras.ops`, that was refused.
        shapes: tuple of the shapes of its inputs.
        chain: tuple of the layers that would stand for it, if it is an activation in them that was refused.
        target: str, for which.
    """
    for part, why in ((part, lacking(part, target)) for part in chain):
        if not why:
            continue
        own = layer if isinstance(layer, L.Layer) else part  # a function becomes a layer
        return f"{_named(layer)} with {_activation(own)}, {why}", (
            f"For {target} use one of {', '.join(converting_activations(target))}."
        )
    if not isinstance(layer, L.Layer):
        return _of_function(layer)
    said = _of_any_layer(layer) or _of_its_arguments(layer, shapes)
    return said or (
        f"{_named(layer)}, a layer that has no integer form",
        _INSTEAD.get(type(layer).__name__, f"{_NO_2D}."),
    )


def _activation(layer):
    """The activation as a user writes it: by its name, or the layer's arguments."""
    if isinstance(layer, L.ReLU):
        names = ("max_value", "negative_slope", "threshold")
        return ", ".join(f"{name}={getattr(layer, name)}" for name in names)
    return f"the activation {activation(layer)!r}"


def _named(layer):
    kind = type(layer).__name__
    return f"{layer.name}, {'an' if kind[0] in 'AEIO' or kind.startswith(('Up', 'LSTM', 'RMS')) else 'a'} {kind}"


def _of_any_layer(layer):
    """What may be wrong with any layer."""
    if type(layer).__module__.split(".")[0] not in ("keras", "keras_unetmm"):
        return f"{_named(layer)}, a layer of your own", (
            "Build it of Keras's layers in the model; or, if it only wires others, derive it from "
            "keras_unetmm.layers.Composite, so that they are seen."
        )
    if getattr(layer, "data_format", None) == "channels_first":
        return f"{_named(layer)} with data_format='channels_first'", (
            "Build the model with data_format='channels_last'; its weights are the same."
        )
    if getattr(layer, "lora_enabled", False):
        return f"{_named(layer)} with enable_lora()", "Save the model, and load it again: that adds LoRA to the weights."
    return None


def _of_its_arguments(layer, shapes):
    """What may be wrong with an argument of a layer whose kind converts."""
    for kind, argument, allowed, change in _ARGUMENTS:
        if isinstance(layer, kind):
            value = _value(layer, argument)
            taken = allowed(layer, shapes) if callable(allowed) else allowed
            if value not in taken:
                choice = " or ".join(map(repr, taken))
                return f"{_named(layer)} with {argument}={value!r}, where {choice} converts", change
    return None


def _value(layer, argument):
    value = getattr(layer, argument, None)
    return tuple(value) if isinstance(value, (list, tuple)) else value


def _last(layer, shapes):
    """The values of an axis that are the channels."""
    last = len(shapes[0]) - 1
    return (-1, (-1,), last, (last,))


_POOLS = "Use an average pooling layer of that size, and a factor that divides the map."
_ARGUMENTS = (  # kinds, the argument, what it may be, and the change
    (L.UpSampling2D, "interpolation", ("nearest", "bilinear"), "Use interpolation='bilinear'."),
    (L.Resizing, "interpolation", ("bilinear", "nearest"), "Use interpolation='bilinear'."),
    (L.Resizing, "crop_to_aspect_ratio", (False,), "Crop to that aspect ratio with keras.layers.CenterCrop before it."),
    (L.Resizing, "pad_to_aspect_ratio", (False,), "Pad to that aspect ratio with keras.layers.ZeroPadding2D before it."),
    (L.Resizing, "antialias", (False,), "Use antialias=False, or keras.layers.AveragePooling2D where it makes smaller."),
    (L.LayerNormalization, "rms_scaling", (False,), "Use keras.layers.RMSNormalization."),
    (L.LayerNormalization, "axis", _last, "Use axis=-1; over the whole map keras.layers.GroupNormalization(groups=1)."),
    (L.RMSNormalization, "axis", _last, "Use axis=-1."),
    (L.GroupNormalization, "axis", _last, "Use axis=-1."),
    (L.BatchNormalization, "axis", _last, "Use axis=-1, the channels."),
    (L.Normalization, "axis", _last, "Use axis=-1, the channels."),
    (L.Softmax, "axis", _last, "Use axis=-1, the channels, with keras.layers.Permute before it."),
    (L.Conv3D, "groups", (1,), "Use groups=1."),
    ((L.Conv1DTranspose, L.Conv3DTranspose), "output_padding", (None,), "Use output_padding=None."),
    ((L.Conv1DTranspose, L.Conv3DTranspose), "dilation_rate", ((1,), (1, 1, 1)), "Use dilation_rate=1."),
    (L.ELU, "alpha", (1.0,), "Use alpha=1.0, or keras.layers.LeakyReLU."),
)


def _of_function(function):
    kind = type(function).__name__
    if getattr(function, "data_format", None) == "channels_first":
        return f"{function.name}, keras.ops of the kind {kind} with data_format='channels_first'", (
            "Use data_format='channels_last'."
        )
    return f"{function.name}, a function of keras.ops of the kind {kind}, which has no integer form", (
        _FUNCTIONS_INSTEAD.get(kind, f"{_NO_2D}.")
    )


_SQRT = "Use keras.ops.rsqrt: sqrt(v) is v * rsqrt(v + epsilon)."
_COMPARED = "Use keras.ops.maximum, minimum, or keras.activations.hard_sigmoid of the difference times a large constant."
_FUNCTIONS_INSTEAD = {
    "Argmax": "Let it be the last of the model, with axis=-1 and keepdims=False, or leave it out and ask for 'indices'.",
    "Repeat": "Use keras.layers.UpSampling2D, which repeats rows and columns.",
    "Tile": "Use an addition or a product, which broadcasts by itself.",
    "Sqrt": _SQRT,
    "Norm": "Use keras.ops.square, sum and rsqrt.",
    "Normalize": "Use x * rsqrt(sum(square(x)) + epsilon).",
    "Divide": "Multiply with a constant, or with v * rsqrt(v) * rsqrt(v) of a positive map.",
    "TrueDivide": "Multiply with a constant, or with v * rsqrt(v) * rsqrt(v) of a positive map.",
    "Power": "Use products: x * x.",
    "Std": "Use keras.layers.LayerNormalization or GroupNormalization.",
    "Var": "Use keras.ops.mean of keras.ops.square.",
    "Matmul": "Use keras.layers.Dense or Conv2D, whose weights are constants.",
    "Einsum": "Use keras.layers.Dense or Conv2D, whose weights are constants.",
    "Where": "Use keras.ops.maximum, minimum or a product with a mask.",
    "Min": "Use -keras.ops.max(-x): the smallest is the largest of the negatives.",
    **dict.fromkeys(("Greater", "GreaterEqual", "Less", "LessEqual"), _COMPARED),
    "Stack": "Use keras.ops.concatenate.",
    "Conv": "Use keras.layers.Conv2D, whose weights are constants.",
}
_INSTEAD = {
    "Lambda": "Write its function with keras.ops in the functional model, or use Keras's layers.",
    "MultiHeadAttention": "Use keras_unetmm.layers.SimplifiedChannelAttention, or attention by convolutions.",
    "LSTM": "Use keras.layers.Conv1D with padding='causal', which sees as far by dilation_rate.",
    "GRU": "Use keras.layers.Conv1D with padding='causal', which sees as far by dilation_rate.",
    "SimpleRNN": "Use keras.layers.Conv1D with padding='causal', which sees as far by dilation_rate.",
    "TimeDistributed": "Use its layer directly: Dense and 2-D layers see each step alone.",
    "SpectralNormalization": "Use its layer with the weights that it has after training.",
    "RandomCrop": "Use keras.layers.CenterCrop.",
    "CenterCrop": "Use keras.layers.Resizing: the map is smaller than what it should be cropped to.",
    "Embedding": "Look the vectors up on the processor, and give them to the model.",
    "Dot": "Use keras.layers.Multiply and a pooling layer.",
    "UnitNormalization": "Use x * keras.ops.rsqrt(keras.ops.sum(keras.ops.square(x), -1, keepdims=True) + 1e-6).",
    "RepeatVector": "Use keras.layers.Reshape and an addition, which broadcasts by itself.",
    "GaussianNoise": "Leave it out.",
    **dict.fromkeys(("AdaptiveAveragePooling2D", "AdaptiveMaxPooling2D", "AdaptiveAveragePooling1D"), _POOLS),
}


def known_layers():
    """Returns the classes of layers that have an integer form with some arguments, sorted by name."""
    kinds = {*legalize.AS_THEY_ARE, *legalize.DROPPED, *sequences.LAYERS, *volumes.LAYERS, L.BatchNormalization}
    for kind, _ in legalize.TABLE:
        kinds |= set(kind) if isinstance(kind, tuple) else {kind}
    kinds |= {L.Normalization, L.Rescaling}
    return sorted(kinds, key=lambda kind: kind.__name__)


def known_functions():
    """Returns the names of the operations of `keras.ops` that have an integer form, sorted."""
    return sorted({*legalize.FUNCTIONS, *CHANGED, "Gelu"})


def arguments():
    """Returns what converts of layers' arguments: a list of the layers' names, the argument, its values and the change."""
    rows = []
    for kinds, argument, allowed, change in _ARGUMENTS:
        if kinds is L.Softmax:  # over other axes it converts, but for volumes
            continue
        names = ", ".join(kind.__name__ for kind in (kinds if isinstance(kinds, tuple) else (kinds,)))
        values = "the last axis" if callable(allowed) else " or ".join(f"`{value!r}`" for value in allowed)
        rows.append((names, argument, values, change))
    return rows


def instead():
    """Returns what to use instead of layers and functions that have no integer form, a dict of sentences by name."""
    functions = {f"keras.ops, {name}": change for name, change in _FUNCTIONS_INSTEAD.items()}
    return dict(sorted(_INSTEAD.items())) | dict(sorted(functions.items()))
