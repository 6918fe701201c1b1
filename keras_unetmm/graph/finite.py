# SPDX-License-Identifier: Apache-2.0
"""Weights that are numbers, in floats."""

import keras
import numpy as np

from keras_unetmm.graph.nodes import parts


def validate_finite_weights(model):
    """Raises a `ValueError` that names the first weight of a model with a NaN or an infinity in it."""
    for weight in model.weights:
        values = keras.ops.convert_to_numpy(weight)
        values = values.astype("float32") if values.dtype.kind not in "iub" else values  # bfloat16 is of no kind
        if not np.isfinite(values).all():
            raise ValueError(
                f"model must have finite weights. Received: {int((~np.isfinite(values)).sum())} of {values.size} values of "
                f"{weight.path} that are not. Take the weights of an earlier step."
            )


def validate_float_weights(model):
    """Raises a `ValueError` that names the first layer whose weights `model.quantize` has rounded."""
    for layer in parts(model):
        mode = getattr(layer, "quantization_mode", None)
        if mode is not None:
            raise ValueError(
                f"model must hold float weights. Received: {layer.name}, a {type(layer).__name__} that "
                f"model.quantize({mode!r}) has rounded already. Pass the model as it was before: converting rounds it."
            )
