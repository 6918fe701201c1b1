"""Real multipliers and ranges as the kernels of TensorFlow Lite for Microcontrollers find them."""

import math

import numpy as np

from keras_unetmm.engine.kernels.kernel import NoKernelError

LIMITS = {"INT8": (-128, 127), "INT16": (-32768, 32767), "INT32": (-(2**31), 2**31 - 1)}


def round_half_away(value):
    """Returns the nearest integer, halves away from zero, as C's `round`."""
    return int(math.copysign(math.floor(abs(value) + 0.5), value)) if abs(value) < 2**52 else int(value)


def quantized_multiplier(real):
    """Returns `(multiplier, shift)` of a real number: it is about `multiplier * 2 ** (shift - 31)`.

    A number below 2^-32 becomes zero (QuantizeMultiplier of lite/kernels/internal/quantization_util.cc).
    """
    if real == 0:
        return 0, 0
    fraction, shift = math.frexp(real)
    multiplier = round_half_away(fraction * 2**31)
    if multiplier == 2**31:
        multiplier, shift = multiplier // 2, shift + 1
    return (0, 0) if shift < -31 else (multiplier, shift)


def small_multiplier(real, what):
    """Returns `quantized_multiplier(real)` of a number between 0 and 1, the only ones that some kernels take."""
    multiplier, shift = quantized_multiplier(real)
    if not 0 < real < 1 or shift > 0:
        raise NoKernelError(f"{what} of {real:g} is not between 0 and 1: TFLM stops there.", "Choose a larger output scale.")
    return multiplier, shift


def activation_range(options, output):
    """Returns the smallest and largest value that an operator's fused activation leaves in its output tensor."""
    low, high = LIMITS[output.type]
    activation = 0 if options is None else options.FusedActivationFunction()

    def quantized(real):
        return output.zero_points[0] + round_half_away(np.float32(real) / np.float32(output.scales[0]))

    if activation == 1:  # RELU
        return max(low, quantized(0)), high
    if activation == 2:  # RELU_N1_TO_1
        return max(low, quantized(-1)), min(high, quantized(1))
    if activation == 3:  # RELU6
        return max(low, quantized(0)), min(high, quantized(6))
    return low, high
