"""Weights that are numbers."""

import keras
import numpy as np


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
