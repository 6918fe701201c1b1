# SPDX-License-Identifier: Apache-2.0
"""Sums that no narrow type holds: in float16 they end at 65,504, and counts stop at 2,048."""

import keras
from keras import ops


def summing_type(dtype):
    """Returns the type in which a metric adds up, given the one that it was asked for: at least 32 bits of it.

    Args:
        dtype: str, `keras.DTypePolicy` or None for the one that Keras is set to.
    """
    if dtype in ("int8", "uint8", "int16", "uint16"):
        return "int32"
    name = keras.dtype_policies.get(dtype or keras.config.floatx()).compute_dtype
    return "float32" if name in ("float16", "bfloat16") else dtype


def not_a_number(*arrays):
    """Returns NaN for each image that holds a NaN in one of the arrays `(N, ...)`, 0 for others, `(N,)` of float32."""
    total = 0.0
    for array in map(ops.convert_to_tensor, arrays):
        if keras.backend.is_float_dtype(keras.backend.standardize_dtype(array.dtype)):
            found = ops.any(ops.isnan(array), axis=tuple(range(1, len(array.shape))))
            total = total + ops.where(found, float("nan"), 0.0)
    return total
