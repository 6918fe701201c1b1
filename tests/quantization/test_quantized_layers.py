"""Layers that compute as eight bits do, against integers, and their gradients on every backend."""

import keras
import numpy as np
import pytest
from checks import JIT, randomize

from keras_unetmm.lowering.operator_layers import Scaled, Shifted
from keras_unetmm.quantization.integer_kernels import has_wide, sigmoid_steps, softmax_steps, tanh_steps
from keras_unetmm.quantization.quantized_layers import (
    QUANTIZED,
    FakeQuantize,
    MeanUnit,
    QuantizedReciprocalRoot,
    fake_quantized,
    fake_quantized_constant,
    scale_and_zero_point,
)
from keras_unetmm.quantization.straight_through import rounded_to_bytes


def array(x):
    return keras.ops.convert_to_numpy(x)


def tensor(x):
    return keras.ops.convert_to_tensor(x, "float32")


def as_bytes(x, low, high):
    """What bytes that cover a range make of numbers, in integers."""
    scale = (high - low) / 255
    zero = int(np.round(-128 - low / scale))
    number = np.sign(x) * np.floor(np.abs(x) / scale + 0.5)
    return (np.clip(number + zero, -128, 127) - zero) * scale


def in_training(x, low, high):
    """As `FakeQuantize` rounds in training."""
    scale, zero = scale_and_zero_point(low, high)
    zero = keras.ops.stop_gradient(zero)
    return rounded_to_bytes(x, scale, -128 - zero, 127 - zero)


BOTH_WAYS = pytest.mark.parametrize("rounding", [fake_quantized, in_training])


class Values(keras.layers.Layer):
    """Numbers and a range, all trained, whatever it is called on."""

    def __init__(self, rounding, values, low, high, **kwargs):
        super().__init__(**kwargs)
        self.rounding = rounding
        self.start = np.array(values, "float32"), low, high

    def build(self, input_shape):
        values, low, high = self.start
        self.values = self.add_weight(name="values", shape=values.shape, initializer="zeros")
        self.low, self.high = (self.add_weight(name=name, shape=(), initializer="zeros") for name in ("low", "high"))
        for weight, value in ((self.values, values), (self.low, low), (self.high, high)):
            weight.assign(value)

    def call(self, x):
        return 0 * x + self.rounding(1 * self.values, self.low, self.high)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], len(self.start[0]))


def gradients(rounding, values, low, high):
    """Of the sum of the rounded values, to these and to the range: what one step of rate 1 takes away."""
    inputs = keras.Input((1,))
    model = keras.Model(inputs, Values(rounding, values, low, high)(inputs))
    before = [array(weight).copy() for weight in model.weights]
    model.compile(keras.optimizers.SGD(1.0), lambda y, made: keras.ops.sum(made), jit_compile=JIT)
    model.train_on_batch(np.zeros((1, 1), "float32"), np.zeros((1, len(values)), "float32"))
    return [old - array(weight) for old, weight in zip(before, model.weights, strict=True)]


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-1.0, 3.0), (-0.7, 0.1), (-2.0, 0.0)])
@BOTH_WAYS
def test_rounding_is_that_of_integers(rounding, low, high):
    x = np.random.default_rng(0).uniform(1.5 * low - 0.2, 1.5 * high + 0.2, 1000).astype("float32")
    got = array(rounding(tensor(x), low, high))
    np.testing.assert_allclose(got, as_bytes(x.astype(float), low, high), atol=1e-6)
    assert array(rounding(tensor([0.0]), low, high)) == 0, "exactly"


@pytest.mark.skipif(not has_wide(), reason="the kernel's products have 64 bits")
@pytest.mark.parametrize("scale", [0.004, 0.0264, 0.31, 40.0])
def test_integers_of_softmax_are_within_a_step_of_it(scale):
    x = np.random.default_rng(0).integers(-128, 128, size=(2, 5, 7, 3)).astype("float32")
    powers = np.exp(scale * (x - x.max(-1, keepdims=True)).astype(float))
    want = np.minimum(256 * powers / powers.sum(-1, keepdims=True), 255)
    np.testing.assert_allclose(array(softmax_steps(tensor(x), tensor(scale))), want, atol=1)


@pytest.mark.skipif(not has_wide(), reason="the kernel's products have 64 bits")
@pytest.mark.parametrize("scale", [1e-4, 0.004, 0.0264, 0.31, 1.5])
def test_integers_of_sigmoid_and_tanh_are_within_a_step_of_them(scale):
    x = np.arange(-128, 128).astype("float32")
    sigmoid = np.minimum(128 + 128 * np.tanh(scale * x.astype(float) / 2), 255)
    tanh = np.minimum(128 * np.tanh(scale * x.astype(float)), 127)
    np.testing.assert_allclose(array(sigmoid_steps(tensor(x), tensor(scale))), sigmoid, atol=0.51)
    np.testing.assert_allclose(array(tanh_steps(tensor(x), tensor(scale))), tanh, atol=0.51)


def test_a_range_covers_zero():
    for given, covered in (((0.5, 2.0), (0, 2)), ((-3.0, -1.0), (-3, 0))):
        scale, zero = map(float, map(array, scale_and_zero_point(*given)))
        assert scale == pytest.approx((covered[1] - covered[0]) / 255)
        assert zero == (-128 if covered[0] == 0 else 127)
    assert array(fake_quantized(tensor([1.0]), 0.0, 0.0)) < 1e-20, "a map that is always zero"


@BOTH_WAYS
def test_the_gradient_is_one_inside_the_range_and_zero_outside(rounding):
    values, _, _ = gradients(rounding, [-5.0, -0.9, -0.01, 0.0, 0.3, 0.9, 1.5], -1.0, 1.0)
    np.testing.assert_allclose(values, [0, 1, 1, 1, 1, 1, 0], atol=1e-6)


@BOTH_WAYS
def test_the_range_learns_from_what_it_cuts_off_and_from_rounding(rounding):
    _, low, high = gradients(rounding, [9.0, 9.0], -1.0, 1.0)
    scale_and_zero = [float(array(x)) for x in scale_and_zero_point(-1.0, 1.0)]
    assert high == pytest.approx(2 * (127 - scale_and_zero[1]) / 255, rel=1e-5)
    assert low == pytest.approx(-high, rel=1e-5), "through the scale, at the same zero"
    _, _, high = gradients(rounding, [10.3 / 255], 0.0, 1.0)
    assert high == pytest.approx(-0.3 / 255, rel=1e-3), "rounded down by 0.3 steps"


def test_a_range_that_follows_each_batch():
    layer = FakeQuantize(ranges="average", momentum=0.9)
    x = np.linspace(-2, 6, 50, dtype="float32")[None]
    layer.build(x.shape)
    layer.set_limits(-1.0, 1.0)
    layer(x, training=False)
    assert layer.limits == pytest.approx((-1, 1), abs=0.01)
    layer(x, training=True)
    assert (float(array(layer.low)), float(array(layer.high))) == pytest.approx((-1.1, 1.5))
    assert not layer.trainable_weights


def test_a_fixed_range_has_no_weights_and_may_be_exact_in_training():
    x = np.random.default_rng(0).random((1, 100)).astype("float32")
    layer = FakeQuantize((0.0, 1.0), exact_training=True)
    (exact, _), (rounded, scale) = layer(x, training=True), layer(x, training=False)
    assert not layer.weights
    assert layer.limits == pytest.approx((0, 1))
    assert float(array(scale)) == pytest.approx(1 / 255)
    np.testing.assert_array_equal(array(exact), x)
    np.testing.assert_allclose(array(rounded), np.round(x * 255) / 255, atol=1e-6)


def test_a_constant_has_the_range_of_its_values():
    constant = np.random.default_rng(0).normal(size=20).astype("float32")
    rounded, scale = fake_quantized_constant(constant)
    low, high = float(constant.min()), float(constant.max())
    np.testing.assert_allclose(array(rounded), as_bytes(constant.astype(float), low, high), atol=1e-6)
    assert float(array(scale)) == pytest.approx((high - low) / 255)


CONVOLUTIONS = {
    "3x3": keras.layers.Conv2D(5, 3, strides=2, padding="same"),
    "1x1": keras.layers.Conv2D(5, 1, activation="relu"),
    "groups": keras.layers.Conv2D(4, 1, groups=2),
    "depthwise": keras.layers.DepthwiseConv2D(3, dilation_rate=2, padding="same", use_bias=False),
    "transposed": keras.layers.Conv2DTranspose(3, 3, strides=2, padding="same"),
    "volumes": keras.layers.Conv3D(5, 3, padding="same"),
    "transposed volumes": keras.layers.Conv3DTranspose(3, 2, strides=2),
    "dense": keras.layers.Dense(3),
}


@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_weights_are_rounded_channel_by_channel_and_sums_are_whole(kind):
    layer = CONVOLUTIONS[kind]
    step = 1 / 255
    shape = (2, 4, 6, 8, 4) if "volumes" in kind else (2, 6, 8, 4)
    x = (np.random.default_rng(0).integers(0, 256, shape) * step).astype("float32")
    layer.build(x.shape)
    randomize(layer)
    copy = QUANTIZED[type(layer)].from_config(layer.get_config())
    copy.build((x.shape, ()))
    copy.set_weights(layer.get_weights())
    y, scale, steps, sums = map(array, copy([x, np.float32(step)]))

    kernel = array(layer.kernel)
    steps_of_kernel = np.abs(kernel).max(copy.axes, keepdims=True) / 127
    np.testing.assert_allclose(steps, steps_of_kernel.ravel(), rtol=1e-6)
    assert float(scale) == pytest.approx(step)
    rounded = np.round(kernel / steps_of_kernel) * steps_of_kernel
    np.testing.assert_allclose(copy.whole_kernel(), rounded, atol=1e-6)
    layer.kernel.assign(rounded)
    np.testing.assert_allclose(y, array(layer(x)), atol=2e-5)
    number = y / (np.float32(step) * steps)
    np.testing.assert_allclose(number, np.round(number), atol=0.02)
    ended = layer.activation is keras.activations.relu  # the kernel ends there after it has multiplied
    np.testing.assert_array_equal(np.maximum(sums, 0) if ended else sums, np.round(number))
    assert copy.compute_output_spec([keras.KerasTensor(x.shape), keras.KerasTensor(())])[0].shape == y.shape


def test_sums_that_float32_cannot_hold_are_whole():
    rng, layer = np.random.default_rng(0), QUANTIZED[keras.layers.Dense](3)
    layer.build(((1, 2048), ()))
    kernel = rng.integers(100, 128, (2048, 3))
    kernel[0] = 127
    layer.set_weights([kernel.astype("float32"), np.array([2.0**26 + 8, -(2.0**25), 1.0], "float32")])
    x = rng.integers(128, 256, (1, 2048))
    sums = array(layer([x.astype("float32"), np.float32(1.0)], training=False)[3])
    want = x.astype("int64") @ kernel + np.array([2**26 + 8, -(2**25), 1])
    assert want.max() > 2**26
    np.testing.assert_array_equal(sums, want)


def test_operators_with_a_constant_give_what_a_unit_is_made_of():
    x, step = np.arange(12, dtype="float32").reshape((1, 3, 4)) / 8, np.float32(1 / 8)
    for layer in (Scaled(), Shifted()):
        layer.build(x.shape)
        randomize(layer)
        copy = QUANTIZED[type(layer)].from_config(layer.get_config())
        copy.build((x.shape, ()))
        copy.set_weights(layer.get_weights())
        constant, scale = map(array, fake_quantized_constant(layer.constant))
        y, *parts = map(array, copy([x, step]))
        if isinstance(layer, Scaled):
            np.testing.assert_allclose(y, x * constant, rtol=1e-6)
            assert parts == [step, scale]
        else:
            np.testing.assert_allclose(y, x + constant, rtol=1e-6)
            for got, want in zip(parts, (x, step, constant, scale), strict=True):
                np.testing.assert_array_equal(got, want)


def test_slopes_are_symmetric_bytes():
    x, step = np.array([[-2.0, -1.0, 3.0]], "float32"), np.float32(1 / 8)
    layer = QUANTIZED[keras.layers.PReLU]()
    layer.build((x.shape, ()))
    layer.set_weights([np.array([0.25, 0.2, 1.0])])
    y, scale, slopes = map(array, layer([x, step]))
    want = np.round(np.array([0.25, 0.2]) * 127) / 127
    np.testing.assert_allclose(y, [[-2 * want[0], -want[1], 3]], atol=1e-6)
    np.testing.assert_allclose(scale * slopes, np.array([[1 / 127, 1 / 127, 1]]) / 8, rtol=1e-6)
    y, scale, slopes = map(array, QUANTIZED[keras.layers.LeakyReLU](negative_slope=0.25)([x, step]))
    np.testing.assert_allclose(y, [[-0.5, -0.25, 3]])
    np.testing.assert_allclose(scale * slopes, np.array([[0.25, 0.25, 1]]) / 8)


def test_a_root_is_that_of_an_integer_and_finite():
    step = np.float32(1 / 8)
    y, unit = map(array, QuantizedReciprocalRoot()([np.array([0, 1, 4, 90], "float32") * step, step]))
    np.testing.assert_allclose(unit * 2**20, np.sqrt(8), rtol=1e-6)
    np.testing.assert_allclose(np.round(y[1:] / unit), np.round(2**20 / np.sqrt([1, 4, 90])), atol=0)
    assert np.isfinite(y).all()
    assert y[0] > y[1:].max()


@pytest.mark.parametrize(("axes", "want"), [((1, 2), 1 / 16), ((-1,), 1 / 4)])
def test_a_mean_is_divided_by_a_power_of_two(axes, want):
    assert float(array(MeanUnit(axes)(np.zeros((2, 5, 6, 7), "float32")))) == want
