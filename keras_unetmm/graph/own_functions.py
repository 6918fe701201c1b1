# SPDX-License-Identifier: Apache-2.0
"""Activations that Keras cannot write down: a copy of their layer would compute something else."""

import keras


def validate_no_own_functions(model):
    """Raises where a layer's activation is a function of the user that a copy of the layer would not get back.

    Keras writes a function down by its name alone: a function of the user that is called `relu` comes back as Keras's own.

    Args:
        model: `keras.Model`.

    Raises:
        ValueError: for such a layer.
    """
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            validate_no_own_functions(layer)
            continue
        function = getattr(layer, "activation", None)
        if callable(function) and not isinstance(function, keras.layers.Layer) and _copy_of(function) is not function:
            raise ValueError(
                "activations must be functions of Keras, or registered with keras.saving.register_keras_serializable. "
                f"Received: {layer.name}, a {type(layer).__name__} with the activation "
                f"{getattr(function, '__name__', function)}, which is neither. Register it, or name one of Keras's."
            )


def _copy_of(function):
    """What a copy of a layer with that activation gets."""
    try:
        return keras.activations.deserialize(keras.activations.serialize(function))
    except (TypeError, ValueError):
        return None
