# SPDX-License-Identifier: Apache-2.0
"""SOFTMAX, with exponentials computed here in TFLM's fixed point."""

import numpy as np

from keras_unetmm.engine.kernels.arithmetic import bounded_multiplier, quantize_multiplier, round_half_away
from keras_unetmm.engine.kernels.kernel import NoKernelError, Parameters, Same, Values
from keras_unetmm.engine.kernels.maps import kernel_without_weights, validate_types

_INTEGER_BITS = 5  # of a difference that is raised
_MOST_CHANNELS = 4095  # their sum has 12 bits before the point


def kernel(graph, operator, tables=None):
    """Returns the `Kernel` of SOFTMAX."""
    source, output = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
    validate_types(operator, (source, output), ("INT8", "INT16"))
    if source.type == "INT16":
        return _wide(graph, operator)
    if source.shape[-1] > _MOST_CHANNELS:
        raise NoKernelError(f"SOFTMAX of {source.shape[-1]} channels has no kernel.", f"Use at most {_MOST_CHANNELS}.")
    table = Values("int32_t", exponentials(operator.options.Beta() * source.scales[0]))
    function = "unetmm_softmax_int8" if output.type == "INT8" else "unetmm_softmax_int8_int16"
    parameters = Parameters("unetmm_softmax", {"exponentials": table, "channels": source.shape[-1]})
    return _kernel(graph, operator, function, parameters)


def _wide(graph, operator):
    """The kernel of int16 to int16, by two tables between whose values TFLM draws lines."""
    source, output = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
    validate_types(operator, (output,), ("INT16",))
    real = source.scales[0] * operator.options.Beta() / (10 / 65535)
    multiplier, shift = bounded_multiplier(real, "SOFTMAX", "Choose a smaller input scale.")
    fields = {
        "exponentials": Values("int16_t", _sampled(10, 32767, np.exp)),
        "reciprocals": Values("int16_t", _sampled(1, -32768, lambda x: 1 / (1 + x))),
        "channels": source.shape[-1],
        "multiplier": multiplier,
        "shift": shift,
    }
    return _kernel(graph, operator, "unetmm_softmax_int16", Parameters("unetmm_softmax_int16_tables", fields))


def _kernel(graph, operator, function, parameters):
    inputs, macs = ((operator.inputs[0], Same()),), 4 * parameters.fields["channels"]
    return kernel_without_weights(graph, operator.outputs[0], function, "unetmm_softmax", parameters, inputs, macs)


def _sampled(width, zero_point, function):
    """A table of 513 values of a function over `width`, as TFLM fills it in float32; the error amid a step is halved."""
    one = np.float32
    scale, steps = one(width) / one(65535), 512
    least, most = (scale * one(limit - zero_point) for limit in (-32768, 32767))
    step = (most - least) / one(steps)
    inverse = one(65536) / (one(2) / one(65535) * one(32767) - one(2) / one(65535) * one(-32768))

    def at(x):
        return one(function(np.float64(x))) * inverse

    table = []
    for i in range(steps):
        left, middle = (at(least + one(i) * step + more) for more in (one(0), step / one(2)))
        right = at(least + one(i + 1) * step)
        sample = one(round_half_away(float(left)))
        error = one(round_half_away(float((right + sample) / one(2)))) - one(round_half_away(float(middle)))
        table.append(sample - one(round_half_away(float(error / one(2)))))
    table.append(one(round_half_away(float(at(most)))))
    return np.clip(np.array(table), -32768, 32767).astype("int16")


def exponentials(scale):
    """Returns exp(-scale * d) for d from 0 to 255 with 31 bits, -1 where TFLM takes it for nothing."""
    multiplier, shift = quantize_multiplier(min(scale * 2.0 ** (31 - _INTEGER_BITS), 2.0**31 - 1))
    if shift < 0 or scale * 2.0 ** (31 - _INTEGER_BITS) <= 1:
        raise NoKernelError(f"SOFTMAX of a scale of {scale:g} has no kernel: TFLM stops there.", "Choose a larger scale.")
    radius = int((2**_INTEGER_BITS - 1) * 2 ** (31 - _INTEGER_BITS) / 2**shift)
    made = [_exponential(multiply_high(-d << shift, multiplier)) if d <= radius else -1 for d in range(256)]
    return np.array(made, "int32")


def multiply_high(a, b):
    """Returns a * b / 2^31, a half rounded up, as gemmlowp's SaturatingRoundingDoublingHighMul."""
    return (a * b + 2**30) >> 31


def _divide(value, bits):
    """Returns value / 2^bits, a half rounded away from zero, as gemmlowp's RoundingDivideByPOT."""
    remainder, threshold = value & (2**bits - 1), ((2**bits - 1) >> 1) + (value < 0)
    return (value >> bits) + (remainder > threshold)


_BARREL = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)  # exp(-2^n) for n from -2 to 4, 31 bits


def _exponential(a):
    """exp(a) for a of 26 fractional bits, 0 or less; with 31 bits. gemmlowp's exp_on_negative_values."""
    if a == 0:
        return 2**31 - 1
    quarter = 1 << 24
    inside = (a & (quarter - 1)) - quarter
    result = _near_zero(inside << _INTEGER_BITS)
    rest = inside - a
    for n, factor in enumerate(_BARREL):
        if rest & (1 << (24 + n)):
            result = multiply_high(result, factor)
    return result


def _near_zero(a):
    """exp(a) for a from -1/4 to 0, both with 31 bits: a Taylor series around -1/8."""
    constant, third = 1895147668, 715827883
    x = a + (1 << 28)
    x2 = multiply_high(x, x)
    x3, x4 = multiply_high(x2, x), multiply_high(x2, x2)
    rest = _divide(multiply_high(_divide(x4, 2) + x3, third) + x2, 1)
    return constant + multiply_high(constant, x + rest)
