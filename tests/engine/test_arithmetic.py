"""The fixed-point arithmetic of the kernels, in C and in Python, against whole numbers and fractions of Python."""

import math
from fractions import Fraction

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from keras_unetmm.engine import process
from keras_unetmm.engine.kernels.arithmetic import fused_range, quantize_multiplier
from keras_unetmm.engine.kernels.kernel import NoKernelError
from keras_unetmm.tflite_file.graph import Tensor

pytestmark = pytest.mark.no_backend

PROGRAM = """
#include <inttypes.h>
#include <stdio.h>
#include "unetmm_arithmetic.h"

int main(void)
{
    int64_t sum;
    int32_t multiplier, shift;
    while (scanf("%" SCNd64 " %" SCNd32 " %" SCNd32, &sum, &multiplier, &shift) == 3) {
        const int32_t narrow = (int32_t)(uint32_t)(uint64_t)sum;
        printf("%" PRId32 " ", unetmm_rescale(narrow, multiplier, shift));
        printf("%" PRId32 "\\n", shift < 15 ? unetmm_rescale_wide(sum, multiplier, shift) : 0);
    }
    return 0;
}
"""


def wrapped(value, bits=32):
    """The low bits of a whole number as a signed one."""
    return (value + 2 ** (bits - 1)) % 2**bits - 2 ** (bits - 1)


def rescaled(total, multiplier, shift):
    """MultiplyByQuantizedMultiplier of 32 bits: a half up, then a half away from zero."""
    high = math.floor(Fraction(wrapped(total << max(shift, 0)) * multiplier, 2**31) + Fraction(1, 2))
    exact = Fraction(high, 2 ** max(-shift, 0))
    return int(math.copysign(math.floor(abs(exact) + Fraction(1, 2)), exact))


def rescaled_wide(total, multiplier, shift):
    """MultiplyByQuantizedMultiplier of 64 bits: a multiplier of 16 bits, one rounding, a half up."""
    reduced = min((multiplier + 2**15) >> 16, 0x7FFF)
    return wrapped(math.floor(Fraction(total * reduced, 2 ** (15 - shift)) + Fraction(1, 2)))


def test_rescaling_in_c_rounds_as_tflm_does():
    rng = np.random.default_rng(0)
    sizes = zip(rng.integers(-(2**47), 2**47, 4000).tolist(), rng.integers(0, 47, 4000).tolist(), strict=True)
    sums = [0, 1, -1, 2**31 - 1, -(2**31), *(value >> bits for value, bits in sizes)]
    multipliers = [0, 2**30, 2**31 - 1, 0x7FFF0000, *rng.integers(2**30, 2**31, 40).tolist()]
    cases = [(s, multipliers[i % len(multipliers)], i * 7 % 46 - 31) for i, s in enumerate(sums * 4)]
    header = (process.C / "unetmm_arithmetic.h").read_text()
    program = process.built({"rescale.c": PROGRAM, "unetmm_arithmetic.h": header})
    text = "".join(f"{s} {m} {shift}\n" for s, m, shift in cases)
    lines = process.subprocess.run([str(program)], input=text, capture_output=True, text=True, check=True).stdout.split("\n")
    for (total, multiplier, shift), line in zip(cases, lines, strict=False):
        narrow, wide = map(int, line.split())
        assert narrow == rescaled(wrapped(total), multiplier, shift)
        if shift < 15:
            assert wide == rescaled_wide(total, multiplier, shift)


@pytest.mark.parametrize("power", [-40, -33, -32, -31, -7, -1, 0, 1, 8])
@pytest.mark.parametrize("fraction", [0.5, 0.75, 1 - 2**-31, 1 - 2**-33, 0.6123456789])
def test_multipliers_are_the_nearest_of_31_bits(fraction, power):
    real = fraction * 2.0**power
    multiplier, shift = quantize_multiplier(real)
    if real < 2**-32 * (1 - 2**-32):  # above that it is rounded up to 2^-32
        assert (multiplier, shift) == (0, 0)
    else:
        assert 2**30 <= multiplier < 2**31
        assert abs(Fraction(multiplier) * Fraction(2) ** (shift - 31) - Fraction(real)) <= Fraction(2) ** (shift - 32)


def output(scale, point, kind="INT8"):
    """A tensor with a scale and a zero point."""
    return Tensor("made", (1, 1, 1, 1), kind, None, (float(np.float32(scale)),), (point,), False)


@pytest.mark.parametrize(
    ("activation", "tensor", "expected"),
    [
        ("NONE", output(0.1, 3), (-128, 127)),
        ("RELU", output(0.1, -128), (-128, 127)),
        ("RELU", output(0.1, 3), (3, 127)),
        ("RELU6", output(0.05, -10), (-10, 110)),
        ("RELU6", output(4.0, 0), (0, 2)),  # 1.5 steps: a half goes away from zero
        ("RELU_N1_TO_1", output(2.0, 0), (-1, 1)),
        ("RELU_N1_TO_1", output(0.001, 0, "INT16"), (-1000, 1000)),
    ],
)
def test_a_fused_activation_leaves_a_range(activation, tensor, expected):
    assert fused_range(getattr(schema.ActivationFunctionType, activation), tensor) == expected


def test_a_fused_activation_that_is_no_clamp_is_refused():
    with pytest.raises(NoKernelError, match="TANH"):
        fused_range(schema.ActivationFunctionType.TANH, output(0.1, 0))
