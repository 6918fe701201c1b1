"""The short arithmetic gives what gemmlowp's definitions give, for every pair of bytes that is tried, and fits 32 bits."""

import numpy as np
import pytest

from keras_unetmm.engine.kernels import exact
from keras_unetmm.engine.kernels.arithmetic import quantize_multiplier

pytestmark = pytest.mark.no_backend


def rescaled(value, multiplier, shift):
    """MultiplyByQuantizedMultiplier as gemmlowp writes it: a nudge, a division, a mask and a threshold."""
    shifted = (value << max(shift, 0)) + 2**31
    product = (shifted % 2**32 - 2**31) * multiplier
    nudged = product + (2**30 if product >= 0 else 1 - 2**30)
    high = abs(nudged) // 2**31 * (1 if nudged >= 0 else -1)
    bits = max(-shift, 0)
    mask = 2**bits - 1
    return (high >> bits) + ((high & mask) > (mask >> 1) + (high < 0))


def test_rescale_is_gemmlowps():
    rng = np.random.default_rng(0)
    for _ in range(200):
        multiplier, shift = int(rng.integers(2**30, 2**31)), int(rng.integers(-31, 9))
        values = rng.integers(-(2**31), 2**31, 20)
        assert exact.rescale(values, multiplier, shift).tolist() == [rescaled(int(v), multiplier, shift) for v in values]


@pytest.mark.parametrize("sign", [1, -1])
def test_sums_are_tflms_and_fit(sign):
    rng, found = np.random.default_rng(1), 0
    for _ in range(40):
        first, second = 2 ** rng.uniform(-8, -3, 2)
        output = max(first, second) * 2 ** rng.uniform(-1, 3)
        twice, points = 2 * max(first, second), [int(p) for p in rng.integers(-128, 128, 3)]
        forms = [quantize_multiplier(m) for m in (first / twice, second / twice, twice / 2**20 / output)]
        low, high = sorted(int(v) for v in rng.integers(-128, 128, 2))
        one, two, three = ((point, *form) for point, form in zip(points, forms, strict=True))
        short = exact.linear(sign, one, two, 20, three, low, high)
        if short is None:
            continue
        found += 1
        for a, b in (*rng.integers(-128, 128, (40, 2)).tolist(), (-128, -128), (127, -128), (-128, 127), (127, 127)):
            parts = [rescaled((v - zero) << 20, *form) for v, (zero, *form) in ((a, one), (b, two))]
            wanted = min(max(rescaled(parts[0] + sign * parts[1], *three[1:]) + three[0], low), high)
            total = a * short[0] + b * short[1] + short[2]
            assert abs(total) < 2**31
            assert min(max(total >> short[3], low), high) == wanted
    assert found > 35


def test_products_are_tflms_and_fit():
    rng, found = np.random.default_rng(2), 0
    for _ in range(40):
        points = [int(p) for p in rng.integers(-128, 128, 3)]
        output = (points[2], *quantize_multiplier(float(2 ** rng.uniform(-10, 0))))
        short = exact.product(points[0], points[1], output, -128, 127)
        if short is None:
            continue
        found += 1
        for a, b in (*rng.integers(-128, 128, (40, 2)).tolist(), (-128, -128), (127, -128), (-128, 127), (127, 127)):
            product = (a - points[0]) * (b - points[1])
            shifted = product << short[0]
            total = (shifted * short[1] >> 32) + short[2] + (short[3] if product < 0 else 0)
            assert max(abs(shifted), abs(total), abs(total - short[3])) < 2**31
            assert 0 <= short[1] < 2**31
            assert min(max(total >> short[4], -128), 127) == min(max(rescaled(product, *output[1:]) + points[2], -128), 127)
    assert found > 30
