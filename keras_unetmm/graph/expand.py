# SPDX-License-Identifier: Apache-2.0
"""Laying a model out into its parts, so that every operator is a layer of the functional graph."""

import re

import keras

from keras_unetmm.graph.names import Names, free_name
from keras_unetmm.layers.composite import Composite

_SAFE = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.-]*")  # names of layers that TensorFlow takes for scopes


def expand(model, input_shape=None):
    """Returns an equal functional model in which composite layers and nested models are replaced by their parts.

    Weights are copied; parts are named after their path, `enc0_block0_conv1`. Names that only Keras takes, such as
    `"conv 1"`, lose what TensorFlow refuses.

    Args:
        model: a functional or sequential `keras.Model`.
        input_shape: tuple with the batch size, `(N, H, W, C)`, of the new model, or a list of one for each input; by default
            the model's own.

    Raises:
        ValueError: if the model is not built as a graph of layers.
    """
    _validate_graph(model)
    sources = model.inputs
    shapes = input_shape if isinstance(input_shape, list) else [input_shape] * len(sources)
    taken = set()
    inputs = [
        keras.Input(batch_shape=shape or source.shape, dtype=source.dtype, name=_safe(source.name, taken))
        for source, shape in zip(sources, shapes, strict=True)
    ]
    graph = keras.Model(_one_or_all(sources), _one_or_all(model.outputs), name=model.name)
    nested = True
    while any(_has_parts(layer) for layer in graph.layers) or nested:
        # the layers of a model within the model stand in its graph, too, until they are copied once more
        nested = any(isinstance(layer, keras.Model) for layer in graph.layers)
        call = Names(graph).settled(_call_parts)
        graph = keras.models.clone_model(graph, input_tensors=_one_or_all(inputs), clone_function=copied, call_function=call)
    _name_safely(graph)
    return graph


def _one_or_all(tensors):
    return tensors[0] if len(tensors) == 1 else list(tensors)


def _name_safely(graph):
    """Gives the layers names that TensorFlow takes for scopes, and that differ as before."""
    taken = {layer.name for layer in graph.layers if _SAFE.fullmatch(layer.name)}
    for layer in graph.layers:
        if layer.name not in taken:
            layer.name = _safe(layer.name, taken)
    graph.name = _safe(graph.name, set())


def _safe(name, taken):
    """A name like that one which is not among those taken, to which it is added."""
    safe = name if _SAFE.fullmatch(name) else "layer_" + re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("_")
    safe = safe.removeprefix("layer_") if _SAFE.fullmatch(safe.removeprefix("layer_")) else safe
    found = free_name(safe, taken)
    taken.add(found)
    return found


def static_shapes(model, size=None, ranks=(2,)):
    """Returns a list with the shape of each input of a model, batch 1; arguments and errors are those of `static_shape`.

    Args:
        model: a functional or sequential `keras.Model` with one input or several.
        size: of the inputs with as many spatial axes as it has.
        ranks: as there.
    """
    _validate_graph(model)
    if len(model.inputs) == 1:
        return [static_shape(model, size, ranks)]
    axes = len(size) if isinstance(size, (tuple, list)) else 1
    own = [size if size is not None and len(x.shape) - 2 == axes else None for x in model.inputs]
    return [_static(x.shape, given, ranks) for x, given in zip(model.inputs, own, strict=True)]


def static_shape(model, size=None, ranks=(2,)):
    """Returns `(1, height, width, channels)` of the input of an image model, or `(1, depth, height, width, channels)`.

    Args:
        model: a functional `keras.Model` on images `(N, H, W, C)` or volumes `(N, D, H, W, C)`.
        size: `(height, width)` in pixels or `(depth, height, width)`; by default the model's own, which then must be static.
        ranks: tuple of int, how many spatial axes the caller can do with: 0 of vectors, 1 of sequences, 2 and 3.

    Raises:
        ValueError: if the model leaves a size open that `size` does not give, or fixes another one.
    """
    _validate_graph(model)
    if len(model.inputs) != 1:
        raise ValueError(f"model must have one input. Received: {len(model.inputs)} inputs.")
    return _static(model.inputs[0].shape, size, ranks)


_KINDS = {  # by how many spatial axes: what the inputs are, the axes, and a size
    0: ("vectors", "no axis", ()),
    1: ("sequences", "steps,", (64,)),
    2: ("images", "height, width", (256, 256)),
    3: ("volumes", "depth, height, width", (64, 64, 64)),
}


def _static(shape, size, ranks):
    rank = len(shape) - 2
    if rank not in ranks:
        others = [
            f"({', '.join(['N', *_KINDS[r][1].strip(',').split(', '), 'channels'])})" for r in ranks if r not in (0, 2)
        ]
        others += ["(N, channels)"] if 0 in ranks else []
        said = f", or {', '.join(others)}" if others else ""
        raise ValueError(
            f"An image model takes inputs (N, height, width, channels){said}. Received: a model input of {shape}."
        )
    *own, channels = shape[1:]
    size = tuple(own) if size is None else tuple(size) if isinstance(size, (tuple, list)) else (size,)
    what, names, example = _KINDS[rank]
    if len(size) != rank or not all(isinstance(wanted, int) for wanted in size):
        raise ValueError(
            f"size must be ({names}) for a model that takes {what} of any size. "
            f"Received: size={size} and a model input of {shape}. Pass for example size={example}."
        )
    if any(wanted < 1 or fixed not in (None, wanted) for fixed, wanted in zip(own, size, strict=True)):
        raise ValueError(
            f"size must be one that the model takes. Received: size={size} and a model input of {shape}. "
            f"Build the model with input_shape={(*[None] * rank, channels)} to choose the size later."
        )
    return (1, *size, channels)


def _validate_graph(model):
    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
        raise ValueError(
            "model must be a functional or sequential keras.Model that has been built. "
            f"Received: {type(model).__name__}. Build it with keras.Model(inputs, outputs), or give a Sequential an Input."
        )


def _has_parts(layer):
    return isinstance(layer, (Composite, keras.Model))


def copied(operation):
    """A copy with the same weights; the parts of a composite get names that are unique in the whole graph."""
    if isinstance(operation, keras.layers.Lambda):
        raise ValueError(
            f"model must be of layers that can be copied. Received: {operation.name}, a Lambda. Write its function with "
            "keras.ops in the functional model, or use Keras's layers."
        )
    copy = type(operation).from_config(operation.get_config())
    if not isinstance(operation, keras.layers.Layer):
        copy.name = f"{operation.name}_"  # an operation made later may otherwise be given the same name
        return copy
    if operation.weights or _has_parts(operation):
        copy.build_from_config(operation.get_build_config())
        copy.set_weights(operation.get_weights())
        for new, old in zip(_parts(copy), _parts(operation), strict=True):
            new.trainable = old.trainable
    for new, old in zip(_random_states(copy), _random_states(operation), strict=True):
        new.assign(old)
    if _has_parts(operation):
        for part in copy._flatten_layers(include_self=False, recursive=False):
            part.name = f"{operation.name}_{part.name}"
    return copy


def _parts(operation):
    return operation._flatten_layers(include_self=False)


def _random_states(layer):
    """The variables that are no weights: where the random numbers of a dropout are."""
    weights = {id(weight) for weight in layer.weights}
    return [variable for variable in layer.variables if id(variable) not in weights]


def _call_parts(operation, *args, **kwargs):
    if _has_parts(operation):
        return operation.call(*args, **kwargs)  # on symbolic tensors: every sublayer becomes a node
    return operation(*args, **kwargs)
