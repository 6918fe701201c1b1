# SPDX-License-Identifier: Apache-2.0
"""What stands around a network in its file: the normalisation of the input, and what kinds of outputs there are."""

import keras
import numpy as np

from keras_unetmm.graph.expand import expand
from keras_unetmm.graph.names import free_name
from keras_unetmm.graph.nodes import maker, parts, tensors_read
from keras_unetmm.lowering.scales import activation

MOST_CLASSES = 128  # that int8 can tell apart
_PROBABLE = ("sigmoid", "softmax")


def prepared(model, shape, output, mean, std, needed=True):
    """Returns the model with the normalisation that the file does, and without what the asked outputs leave out.

    Args:
        model, mean, std: as for `convert`.
        shape: `(1, height, width, channels)` of the input, or `(1, depth, height, width, channels)`; or a list of one for
            each input.
        output: str, as for `convert`, or a list of one for each output, as `asked_of` returns it.
        needed: bool, whether a model without probabilities is refused where its logits are asked for.
    """
    for k, kind in enumerate(asked_of(model, output)):
        model = _with_output(model, k, kind, needed)
    if mean is None and std is None:
        return model
    shapes = shape if isinstance(shape, list) else [shape]
    if len(shapes) > 1:
        raise ValueError(
            f"mean and std take a model of one input. Received: {len(shapes)} inputs. Put keras.layers.Normalization behind "
            "each input instead."
        )
    mean, std = _a_channel("mean", mean, 0.0, shapes[0]), _a_channel("std", std, 1.0, shapes[0])
    if (std <= 0).any():
        raise ValueError(f"std must be positive. Received: {std.tolist()}.")
    taken = {model.name, *(layer.name for layer in (*getattr(model, "operations", ()), *parts(model)))}
    image = keras.Input(batch_shape=shapes[0], name=free_name("image", taken))
    name = free_name("normalization", taken)
    normalized = keras.layers.Normalization(mean=mean, variance=std**2, name=name)(image)
    return keras.Model(image, model(normalized), name=model.name)


def asked_of(model, output):
    """Returns a list with what each output of a model is to be.

    Args:
        model: `keras.Model`.
        output: str for all outputs, or a sequence of one for each.

    Raises:
        ValueError: if there are more or fewer than outputs.
    """
    count = len(model.outputs)
    asked = [output] * count if isinstance(output, str) else list(output)
    if len(asked) != count:
        raise ValueError(
            f"output_kind must be one kind, or one for each output of the model. Received: {len(asked)} for {count} outputs."
        )
    return [_argmax_kind(x, kind) for x, kind in zip(model.outputs, asked, strict=True)]


def _argmax_kind(tensor, kind):
    """Of an output that is the number of the largest channel already, `"indices"`; else what was asked for."""
    if not _is_argmax(tensor):
        return kind
    if kind not in ("auto", "indices"):
        raise ValueError(
            f"output_kind must be 'indices' or 'auto' for an output that ends in argmax. Received: {kind!r}. Leave "
            "argmax out of the model to get something else."
        )
    return "indices"


def _is_argmax(tensor):
    """Whether a tensor is made by argmax over channels."""
    last = maker(tensor)
    if type(last).__name__ != "Argmax":
        return False
    rank = len(last.input.shape)
    if last.axis not in (-1, rank - 1) or getattr(last, "keepdims", False):
        raise ValueError(
            f"argmax at the end must go over the channels. Received: {last.name}, argmax with axis={last.axis} and "
            f"keepdims={getattr(last, 'keepdims', False)}. Use axis=-1 and keepdims=False."
        )
    return True


def _with_output(model, k, kind, needed):
    """The model whose output k ends where that kind begins."""
    if kind == "indices" and _is_argmax(model.outputs[k]):
        model = _with_tensor(model, k, tensors_read(maker(model.outputs[k]))[0])
    if kind == "indices" and not 1 <= (model.outputs[k].shape[-1] or 0) <= MOST_CLASSES:
        raise ValueError(
            f"output_kind='indices' takes from 1 to {MOST_CLASSES} classes. Received: a model output of "
            f"{model.outputs[k].shape}. Use output_kind='values', and find the largest on the processor."
        )
    return _without_probabilities(model, k, needed and kind == "logits") if kind in ("logits", "indices") else model


def _with_tensor(model, k, tensor):
    outputs = [tensor if i == k else x for i, x in enumerate(model.outputs)]
    inputs = model.inputs if len(model.inputs) > 1 else model.inputs[0]
    return keras.Model(inputs, outputs if len(outputs) > 1 else outputs[0], name=model.name)


def _without_probabilities(model, k, needed):
    """The model without the last softmax or sigmoid of an output, which keep the order of the classes."""
    model = expand(model)  # a copy
    last = maker(model.outputs[k])
    if activation(last) not in _PROBABLE:
        if needed:
            raise ValueError(
                f"output_kind='logits' takes a model that ends in softmax or sigmoid. Received: one that ends in "
                f"{last.name}, a {type(last).__name__}. Pass output_kind='values'."
            )
        return model
    if getattr(last, "kernel", None) is None:
        return _with_tensor(model, k, tensors_read(last)[0])
    last.activation = keras.activations.linear
    return model


def _a_channel(name, value, default, shape):
    values = np.ravel(default if value is None else value)
    values = values.astype("float32") if values.dtype.kind in "fiu" else np.full(1, np.nan)
    if values.size not in (1, shape[-1]) or not np.isfinite(values).all():
        raise ValueError(f"{name} must be a finite number, or {shape[-1]}, one a channel. Received: {value!r}.")
    return np.broadcast_to(values, shape[-1:])


def kind_of(source, k=0):
    """What an output of a model is, as far as its layers say: `"probabilities"`, `"image"` or `"values"`.

    An image has the size of an input or a multiple of it, and as many channels.
    """
    if activation(maker(source.outputs[k])) in _PROBABLE:
        return "probabilities"
    return "image" if any(_is_like(source.outputs[k].shape, x.shape) for x in source.inputs) else "values"


def _is_like(shape, given):
    if len(shape) != len(given) or len(shape) < 4:
        return False
    pairs = zip(shape[1:-1], given[1:-1], strict=True)
    return shape[-1] == given[-1] and all(made is None or of is None or made % of == 0 for made, of in pairs)
