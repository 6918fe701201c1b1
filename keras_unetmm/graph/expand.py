"""Laying a model out into its parts, so that every operator is a layer of the functional graph."""

import keras

from keras_unetmm.layers.composite import Composite


def expand(model, input_shape=None):
    """Returns an equal functional model in which composite layers and nested models are replaced by their parts.

    Weights are copied; parts are named after their path, `enc0_block0_conv1`.

    Args:
        model: a functional or sequential `keras.Model` with one input.
        input_shape: tuple with the batch size, `(N, H, W, C)`, of the new model; by default the model's own.

    Raises:
        ValueError: if the model is not built as a graph of layers, or has several inputs.
    """
    _validate_graph(model)
    source = model.inputs[0]
    inputs = keras.Input(batch_shape=input_shape or source.shape, dtype=source.dtype, name=source.name)
    graph = keras.Model(source, model.outputs if len(model.outputs) > 1 else model.outputs[0], name=model.name)
    nested = True
    while any(_has_parts(layer) for layer in graph.layers) or nested:
        # the layers of a model within the model stand in its graph, too, until they are copied once more
        nested = any(isinstance(layer, keras.Model) for layer in graph.layers)
        graph = keras.models.clone_model(graph, input_tensors=inputs, clone_function=copied, call_function=_call_parts)
    return graph


def static_shape(model, size=None, ranks=(2,)):
    """Returns `(1, height, width, channels)` of the input of an image model, or `(1, depth, height, width, channels)`.

    Args:
        model: a functional `keras.Model` on images `(N, H, W, C)` or volumes `(N, D, H, W, C)`.
        size: `(height, width)` in pixels or `(depth, height, width)`; by default the model's own, which then must be static.
        ranks: tuple of int, how many spatial axes the caller can do with.

    Raises:
        ValueError: if the model leaves a size open that `size` does not give, or fixes another one.
    """
    _validate_graph(model)
    shape = model.inputs[0].shape
    rank = len(shape) - 2
    if rank not in ranks:
        volumes = ", a volume model (N, depth, height, width, channels)" if 3 in ranks else ""
        raise ValueError(
            f"An image model takes inputs (N, height, width, channels){volumes}. Received: a model input of {shape}."
        )
    *own, channels = shape[1:]
    size = tuple(own) if size is None else tuple(size) if isinstance(size, (tuple, list)) else (size,)
    if len(size) != rank or not all(isinstance(wanted, int) for wanted in size):
        what, names, example = {
            2: ("images", "height, width", (256, 256)),
            3: ("volumes", "depth, height, width", (64, 64, 64)),
        }[rank]
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
    if len(model.inputs) != 1:
        raise ValueError(f"model must have one input. Received: {len(model.inputs)} inputs.")


def _has_parts(layer):
    return isinstance(layer, (Composite, keras.Model))


def copied(operation):
    """A copy with the same weights; the parts of a composite get names that are unique in the whole graph."""
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
