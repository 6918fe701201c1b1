# SPDX-License-Identifier: Apache-2.0
"""Numbers that TFLM finds before it runs: fixed-point multipliers, and what a fused activation leaves of the range."""

import math

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_unetmm.engine.kernels.kernel import NoKernelError

RANGES = {"INT8": (-128, 127), "INT16": (-32768, 32767), "INT32": (-(2**31), 2**31 - 1)}
_ACTIVATIONS = schema.ActivationFunctionType
_BOUNDS = {  # of the real values
    _ACTIVATIONS.NONE: (None, None),
    _ACTIVATIONS.RELU: (0.0, None),
    _ACTIVATIONS.RELU6: (0.0, 6.0),
    _ACTIVATIONS.RELU_N1_TO_1: (-1.0, 1.0),
}


def quantize_multiplier(real):
    """Returns a real multiplier, `multiplier * 2**(shift - 31)`, as TFLM's QuantizeMultiplier finds it.

    Args:
        real: float, 0 or more.

    Returns:
        tuple `(multiplier, shift)` of int; multiplier is 0 where `real` is below 2^-32, or from 2^30 to 2^31 - 1.
    """
    if real == 0:
        return 0, 0
    fraction, shift = math.frexp(real)
    scaled = fraction * 2.0**31
    multiplier = math.floor(scaled) + (scaled - math.floor(scaled) >= 0.5)  # a half away from zero
    if multiplier == 2**31:
        multiplier, shift = 2**30, shift + 1
    return (0, 0) if shift < -31 else (multiplier, shift)


def bounded_multiplier(real, what, advice="Choose a larger output scale."):
    """Returns `quantize_multiplier(real)` of a number below 2^31, by which all kernels can multiply.

    Raises:
        NoKernelError: for a larger one; `what` says which one it is.
    """
    multiplier, shift = quantize_multiplier(real)
    if shift > 31:
        raise NoKernelError(f"{what} multiplies by 2^{shift} or so.", advice)
    return multiplier, shift


def small_multiplier(real, what):
    """Returns `quantize_multiplier(real)` of a number between 0 and 1, the only ones that some kernels take.

    Raises:
        NoKernelError: for any other number; `what` says which one it is.
    """
    multiplier, shift = quantize_multiplier(real)
    if not 0 < real < 1 or shift > 0:
        raise NoKernelError(f"{what} of {real:g} is not between 0 and 1: TFLM stops there.", "Choose a larger output scale.")
    return multiplier, shift


def fused_range(activation, tensor):
    """Returns the smallest and the largest value that a fused activation leaves of an output.

    Args:
        activation: int, of the schema's `ActivationFunctionType`.
        tensor: `Tensor`, the output.

    Raises:
        NoKernelError: for an activation that TFLM does not fuse into integers.
    """
    if activation not in _BOUNDS:
        name = next((name for name, value in vars(_ACTIVATIONS).items() if value == activation), activation)
        raise NoKernelError(f"its fused activation is {name}. Let it be an operator of its own.")
    low, high = RANGES[tensor.type]
    least, most = _BOUNDS[activation]
    if least is not None:
        low = max(low, _quantized(least, tensor))
    if most is not None:
        high = min(high, _quantized(most, tensor))
    return low, high


def round_half_away(value):
    """Returns the nearest integer, a half away from zero, as C's `round`."""
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


def _quantized(real, tensor):
    """A real number in an output's integers, as float32 gives it."""
    return tensor.zero_points[0] + round_half_away(float(np.float32(real) / np.float32(tensor.scales[0])))
