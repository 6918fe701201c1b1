# SPDX-License-Identifier: Apache-2.0
"""Labels that are no class are an error in training, too, where a backend has compiled the step.

Out of a graph they are looked at. In one, TensorFlow asserts and JAX calls back. Where XLA drops that, the loss is NaN.
"""

import keras
from keras import ops


class LabelError(ValueError):
    """Labels that are no class."""


def checked_labels(y_true, classes, ignore):
    """Returns 0, or NaN in a graph that was given labels that are no class and could not stop.

    Args:
        y_true: labels `(N, ..., 1)`.
        classes: int, channels of the prediction.
        ignore: int, the label of pixels that count nowhere, or None.

    Raises:
        LabelError: a `ValueError`, if a label is none; in a graph the backend's own error with the same message.
    """
    last = max(classes, 2) - 1
    values = ops.cast(y_true, "float32")
    wrong = ops.logical_or(values < 0, values > last)
    wrong = ops.logical_or(wrong, ops.logical_not(ops.equal(values, ops.floor(values))))  # NaN is no label, either
    if ignore is not None:
        wrong = ops.logical_and(wrong, ops.not_equal(values, ignore))
    also = "" if ignore is None else f" or ignore={ignore}"
    rule = (
        f"y_true must hold labels from 0 to {last}{also}. Set classes to the number of classes, ignore to the label of "
        "pixels that belong to none, or scale masks of 0 and 255 to 0 and 1."
    )
    found, worst = ops.any(wrong), ops.max(ops.where(wrong, values, ops.full_like(values, -1e9)))
    if _known(found):
        if bool(ops.convert_to_numpy(found)):
            raise LabelError(f"{rule} Received: {float(ops.convert_to_numpy(worst)):g}.")
        return 0.0
    if keras.backend.backend() == "tensorflow" and not isinstance(found, keras.KerasTensor):
        import tensorflow as tf

        tf.debugging.Assert(tf.logical_not(found), [rule, "Received:", worst])
    elif keras.backend.backend() == "jax" and not isinstance(found, keras.KerasTensor):
        import jax

        def refuse(value):
            raise LabelError(f"{rule} Received: {float(value):g}.")

        jax.lax.cond(found, lambda: jax.debug.callback(refuse, worst), lambda: None)
    return ops.where(found, float("nan"), 0.0)


def _known(value):
    """Whether a value is there to be looked at, and not the place of one in a graph."""
    if isinstance(value, keras.KerasTensor):
        return False
    backend = keras.backend.backend()
    if backend == "tensorflow":
        return hasattr(value, "numpy") and callable(value.numpy)
    if backend == "jax":
        import jax

        return not isinstance(value, jax.core.Tracer)
    return getattr(value, "device", None) is None or value.device.type != "meta"
