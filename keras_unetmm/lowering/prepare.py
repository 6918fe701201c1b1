"""What stands around a network in its file: the normalisation of the input, and what kind of output there is."""

import keras
import numpy as np

from keras_unetmm.graph.expand import expand
from keras_unetmm.graph.nodes import maker
from keras_unetmm.lowering.scales import activation

MOST_CLASSES = 128  # that int8 can tell apart
_PROBABLE = ("sigmoid", "softmax")


def prepared(model, shape, output, mean, std, needed=True):
    """Returns the model with the normalisation that the file does, and without the probabilities that nobody asks for.

    Args:
        model, output, mean, std: as for `convert`.
        shape: `(1, height, width, channels)` of the input, or `(1, depth, height, width, channels)`.
        needed: bool, whether a model without probabilities is refused where its logits are asked for.
    """
    if output == "indices" and not 2 <= model.outputs[0].shape[-1] <= MOST_CLASSES:
        raise ValueError(
            f"output_kind='indices' takes from 2 to {MOST_CLASSES} classes. Received: a model output of "
            f"{model.outputs[0].shape}. A mask of one class comes as probabilities."
        )
    if output in ("logits", "indices"):
        model = _without_probabilities(model, needed and output == "logits")
    if mean is None and std is None:
        return model
    mean, std = _a_channel("mean", mean, 0.0, shape), _a_channel("std", std, 1.0, shape)
    if (std <= 0).any():
        raise ValueError(f"std must be positive. Received: {std.tolist()}.")
    image = keras.Input(batch_shape=shape, name="image")
    normalized = keras.layers.Normalization(mean=mean, variance=std**2, name="normalization")(image)
    return keras.Model(image, model(normalized), name=model.name)


def _without_probabilities(model, needed):
    """The model without its last softmax or sigmoid, which keep the order of the classes."""
    model = expand(model)  # a copy
    last = maker(model.outputs[0])
    if activation(last) not in _PROBABLE:
        if needed:
            raise ValueError(
                f"output_kind='logits' takes a model that ends in softmax or sigmoid. Received: one that ends in "
                f"{last.name}, a {type(last).__name__}. Pass output_kind='values'."
            )
        return model
    if getattr(last, "kernel", None) is None:
        return keras.Model(model.inputs[0], last.input, name=model.name)
    last.activation = keras.activations.linear
    return model


def _a_channel(name, value, default, shape):
    values = np.ravel(default if value is None else value)
    values = values.astype("float32") if values.dtype.kind in "fiu" else np.full(1, np.nan)
    if values.size not in (1, shape[-1]) or not np.isfinite(values).all():
        raise ValueError(f"{name} must be a finite number, or {shape[-1]}, one a channel. Received: {value!r}.")
    return np.broadcast_to(values, shape[-1:])


def kind_of(source):
    """What the output of a model is, as far as its layers say."""
    if activation(maker(source.outputs[0])) in _PROBABLE:
        return "probabilities"
    if len(source.outputs[0].shape) != len(source.inputs[0].shape):
        return "values"
    (_, *sizes, channels), (_, *given, of) = source.outputs[0].shape, source.inputs[0].shape
    pairs = zip(sizes, given, strict=True) if len(sizes) == len(given) else [(1, 2)]
    whole = all(size is None or of_input is None or size % of_input == 0 for size, of_input in pairs)
    return "image" if whole and channels == of else "values"
