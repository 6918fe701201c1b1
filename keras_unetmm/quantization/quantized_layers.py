# SPDX-License-Identifier: Apache-2.0
"""Layers that compute as eight bits do and train by a straight-through estimator, on every backend.

Rounding has a gradient of zero nearly everywhere; the straight-through estimator (Bengio et al., arXiv 1308.3432) takes it
for the identity. The arithmetic is that of TensorFlow Lite: weights are symmetric and have a scale for each channel of
the output, activations have one scale and a zero point (Jacob et al., arXiv 1712.05877).

One file although it is long: every layer rounds by the few functions at its top.
"""

import math

import keras
import numpy as np
from keras import ops

from keras_unetmm.lowering.integer_layers import Resizing
from keras_unetmm.lowering.operator_layers import ChannelMean, ReciprocalRoot, Scaled, Shifted
from keras_unetmm.quantization.integer_kernels import (
    has_wide,
    mean_steps,
    nearest,
    pooled,
    rescaled,
    resized,
    sigmoid_steps,
    softmax_steps,
    tanh_steps,
)
from keras_unetmm.quantization.straight_through import on_grid, rounded_to_bytes

LEVELS = 255  # steps between the lowest and the highest of 256 values
_LOWEST, _HIGHEST = -128, 127
_LEAST = 1e-30  # scale: of what is always zero
_MOST_HALVINGS = 30
_FINE = 2.0**20
_HALF = 16  # of the bits of a weight: the products of either half add up exactly for 8,000 taps
_LARGEST_BIAS = 2.0**31 - 128  # that float32 holds below int32's
_LEAST_SQUARE = 1e-20  # below any byte of what a root is taken of


def scale_and_zero_point(low, high):
    """Returns the scale and the zero point of bytes that cover `low` to `high` and zero, which they hit exactly."""
    low, high = ops.minimum(ops.cast(low, "float32"), 0.0), ops.maximum(ops.cast(high, "float32"), 0.0)
    scale = ops.maximum((high - low) / LEVELS, _LEAST)
    return scale, ops.clip(ops.round(_LOWEST - low / scale), _LOWEST, _HIGHEST)


def fake_quantized(
    x, low, high, factors=None, addends=None, minus=False, raw=False, mean=None, steps=None, sums=None, clip=None
):
    """Returns x as bytes have it that cover `low` to `high`: `y = scale * (clip(round(x / scale) + z, -128, 127) - z)`.

    The gradient to x is 1 within the range and 0 outside; that to the range is the one of learned step size quantization
    (Esser et al., arXiv 1902.08153).

    Args:
        factors: list of what multiplied makes the unit of the accumulator that a kernel multiplies, each `()` or one a
            channel; then x is rounded as that kernel does.
        addends: list of a map, its scale, another map and its scale, of which x is the sum; likewise.
        minus: bool, whether x is their difference.
        raw: bool, whether a kernel rounds the byte itself and not its distance from the zero point: halves go elsewhere.
        mean: list of what x is the mean of: sums of integers, int32, how many there are, and their scale; or of the means
            alone, int32 in parts of `keras_unetmm.quantization.integer_kernels.ONE`, where they keep their scale.
        steps: float32, the steps of x that the kernel has already found.
        sums: int32, the accumulators of a convolution, in units of the product of `factors`: float32 holds those beyond
            2**24, to which x is made, no longer one by one.
        clip: tuple `(low, high)`, or None at either end, where the kernel cuts what it has found.
    """
    scale, zero = scale_and_zero_point(low, high)
    zero = ops.stop_gradient(zero)
    exact, kept = steps, x / scale
    if factors or addends:
        exact = _multiplied(x, factors, scale, sums) if factors else _added(addends, scale, minus)
        exact = _narrow(exact, raw)
    if mean:
        exact = _narrow(_averaged(*mean, scale), raw) if len(mean) > 1 else mean_steps(*mean, zero)
    if exact is not None:
        low_end, high_end = (None if end is None else end / scale for end in clip or (None, None))
        exact = exact if low_end is None else ops.maximum(exact, low_end)
        exact = exact if high_end is None else ops.minimum(exact, high_end)
        kept = kept + ops.stop_gradient(exact - kept)
    if raw:
        kept = kept + ops.stop_gradient(nearest(kept + zero) - zero - kept)
    return ops.clip(_rounded(kept), _LOWEST - zero, _HIGHEST - zero) * scale


def _averaged(sums, count, read_scale, scale):
    """The mean in steps of `scale`, as MEAN has it, which divides by a power of two after its first rounding."""
    sums, count, read_scale, scale = _wide(sums, count, read_scale, scale)
    if has_wide():
        return rescaled(sums, read_scale / scale, count)
    power = 2.0 ** ops.floor(ops.log2(count + 0.5))
    return _halved(sums * power / count, read_scale / (power * scale))


def _multiplied(x, factors, scale, sums=None):
    """x in steps of `scale`, after the first rounding of a kernel that multiplies the accumulator by `unit / scale`."""
    x, scale, *factors = _wide(x, scale, *factors)
    unit = math.prod(factors[1:], start=factors[0])
    return _halved(ops.round(x / unit) if sums is None else _wide(sums)[0], unit / scale)


def _added(addends, scale, minus):
    """The sum or difference in steps of `scale`, after the first rounding of ADD, which knows 2**-20 of the larger scale."""
    first, first_scale, second, second_scale, scale = _wide(*addends, scale)
    twice = 2 * ops.maximum(first_scale, second_scale)
    parts = [
        nearest(_halved(ops.round(value / of) * _FINE, of / twice))
        for value, of in ((first, first_scale), (second, second_scale))
    ]
    return _halved(parts[0] - parts[1] if minus else parts[0] + parts[1], twice / (_FINE * scale))


def _halved(accumulator, multiplier):
    """The product as a kernel has it: it multiplies by a number from 1/2 to 1, rounds, and then halves; here without the
    rounding at the end."""
    if has_wide():
        return rescaled(accumulator, multiplier)
    fine = 2.0 ** ops.clip(-1 - ops.floor(ops.log2(multiplier)), 0, _MOST_HALVINGS)
    return ops.cast(ops.floor(accumulator * (multiplier * fine) + 0.5) / fine, "float32")  # halves go up


def _narrow(steps, raw):
    """Steps in float32, which are rounded before, for it may make a half of what is less; not where the byte is rounded."""
    return ops.cast(steps if raw else nearest(steps), "float32")


def _wide(*values):
    """The values in float64; on JAX, which has none unless told so, in float32."""
    return [ops.cast(value, "float32" if keras.backend.backend() == "jax" else "float64") for value in values]


def _rounded(x):
    """To the nearest integer, halves away from zero as kernels do; the gradient is that of the identity."""
    return x + ops.stop_gradient(nearest(x) - x)


def weight_scales(weights, axes):
    """Returns the scales by which weights have 127 steps on either side of zero, one where `axes` are reduced."""
    return ops.stop_gradient(ops.maximum(ops.max(ops.abs(weights), axis=axes, keepdims=True) / _HIGHEST, _LEAST))


def fake_quantized_constant(constant):
    """Returns a constant operand of MUL or ADD as bytes have it, in the range of its own values, and its scale."""
    constant = ops.convert_to_tensor(constant, "float32")
    exact = ops.stop_gradient(constant)
    low, high = ops.min(exact), ops.max(exact)
    rounded = constant + ops.stop_gradient(fake_quantized(exact, low, high) - exact)
    return rounded, scale_and_zero_point(low, high)[0]


@keras.saving.register_keras_serializable("keras_unetmm")
class FakeQuantize(keras.layers.Layer):
    """Rounds a map to the 256 values of a byte.

    Args:
        fixed: tuple `(low, high)`, a range that cannot be set either; or None.
        ranges: `"learned"`, the range is trained with the weights; `"average"`, it follows the lowest and highest value of
            each batch in training; or `"fixed"`, it stays where it was set.
        momentum: float, of the moving average.
        exact_training: bool, whether values pass as they are in training: of probabilities, whose logarithm a loss takes.

    Called on a map, with what `fake_quantized` needs to round as the kernel does; in training that is not used, for it
    decides between neighbours only where a value lies half-way. Gives the map and the scale of its bytes, `()`.

    Shape: any, unchanged.
    """

    def __init__(self, fixed=None, ranges="fixed", momentum=0.99, exact_training=False, **kwargs):
        super().__init__(**kwargs)
        self.fixed = None if fixed is None else tuple(fixed)
        self.ranges = ranges
        self.momentum = momentum
        self.exact_training = exact_training

    def build(self, input_shape):
        if self.fixed is None:
            start = {"shape": (), "initializer": "zeros", "trainable": False}
            self.low, self.high = self.add_weight(name="low", **start), self.add_weight(name="high", **start)
        if self.fixed is None and self.ranges == "learned":  # as shares, for an optimizer's steps know no range's size
            start = {"shape": (), "initializer": "ones"}
            self.low_share = self.add_weight(name="low_share", **start)
            self.high_share = self.add_weight(name="high_share", **start)

    def _range(self):
        if self.fixed is not None or self.ranges != "learned":
            return self.fixed or (self.low, self.high)
        return self.low * self.low_share, self.high * self.high_share

    def trained_range(self):
        """The range as it is trained, two floats that float32 holds."""
        return tuple(float(ops.convert_to_numpy(end)) for end in self._range())

    @property
    def limits(self):
        """The lowest and the highest value that the bytes stand for, two floats."""
        scale, zero = (float(ops.convert_to_numpy(x)) for x in scale_and_zero_point(*self._range()))
        return (_LOWEST - zero) * scale, (_HIGHEST - zero) * scale

    def set_limits(self, low, high):
        """Sets a range that is not fixed."""
        self.low.assign(low)
        self.high.assign(high)
        if self.ranges == "learned":
            self.low_share.assign(1.0)
            self.high_share.assign(1.0)

    def call(
        self,
        x,
        factors=None,
        addends=None,
        minus=False,
        raw=False,
        mean=None,
        steps=None,
        sums=None,
        clip=None,
        training=None,
    ):
        low, high = self._range()
        if training and self.ranges == "average" and self.fixed is None:
            seen = ops.stop_gradient(x)
            low = self.momentum * low + (1 - self.momentum) * ops.min(seen)
            high = self.momentum * high + (1 - self.momentum) * ops.max(seen)
            self.low.assign(low)
            self.high.assign(high)
        scale, zero = scale_and_zero_point(low, high)
        if training and self.exact_training:
            return x, scale
        if training:
            zero = ops.stop_gradient(zero)
            return rounded_to_bytes(x, scale, _LOWEST - zero, _HIGHEST - zero), scale
        return fake_quantized(x, low, high, factors, addends, minus, raw, mean, steps, sums, clip), scale

    def compute_output_spec(self, x, *args, **kwargs):
        return _specs(x.shape, ())


@keras.saving.register_keras_serializable("keras_unetmm")
class MeanUnit(keras.layers.Layer):
    """What the sum of a mean over n values is divided by before the kernel's last rounding: `2**floor(log2(n))`.

    Args:
        axes: tuple of int, those of the mean.

    Shape: any -> `()`, one over that number.
    """

    def __init__(self, axes, **kwargs):
        super().__init__(**kwargs)
        self.axes = tuple(axes)

    def call(self, x):
        sizes = [ops.cast(ops.shape(x)[axis], "float32") for axis in self.axes]
        return 2.0 ** -ops.floor(ops.log2(math.prod(sizes[1:], start=sizes[0]) + 0.5))

    def compute_output_spec(self, x):
        return keras.KerasTensor((), "float32")


def _specs(*shapes):
    return tuple(keras.KerasTensor(shape, "float32") for shape in shapes)


class QuantizedConvolution:
    """A convolution of integers: `y = s_x s_w (product(x / s_x, round(w / s_w)) + round(b / (s_x s_w)))`.

    It reads a map and its scale s_x, and gives a map, s_x and s_w, a channel each, and the sums, int32. Products add up in
    float32, which holds integers exactly below 2**24; where a sum may be larger, it is made of two, of the upper and the
    lower half of each weight's bits. In training the map is not brought to integers and back, and no sums are given.
    `product` is what the layer's class does with a kernel; along `axes` weights share a scale.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.input_spec = None  # two inputs

    def build(self, shapes):
        super().build(shapes[0])
        self.input_spec = None

    def call(self, inputs, training=None):
        x, scale = inputs
        steps = weight_scales(self.kernel, self.axes)
        unit = scale * ops.reshape(steps, (-1,))  # of the accumulator, a channel each
        if training:
            y = self.product(x, on_grid(self.kernel, steps))
            y = y + on_grid(self.bias, unit) if self.use_bias else y
            return (y if self.activation is None else self.activation(y)), scale, ops.reshape(steps, (-1,)), None
        x, kernel = _rounded(x / scale), _rounded(self.kernel / steps)
        y = self.product(x, kernel)
        short = self._adds_up_exactly()
        sums = ops.cast(nearest(ops.stop_gradient(y)), "int32") if short else self._long_sums(x, kernel)
        if self.use_bias:
            bias = _rounded(self.bias / unit)  # in float32, as the converter divides
            y, sums = y + bias, sums + ops.cast(ops.clip(bias, -_LARGEST_BIAS, _LARGEST_BIAS), "int32")
        y = y * unit
        return (y if self.activation is None else self.activation(y)), scale, ops.reshape(steps, (-1,)), sums

    def _adds_up_exactly(self):
        """Whether float32 holds the largest sum of products."""
        taps = math.prod(self.kernel.shape[axis] for axis in self.axes)
        return taps * LEVELS * _HIGHEST < 2**24

    def _long_sums(self, x, kernel):
        """The sums of products with both halves of the weights' bits, int32."""
        x, kernel = (ops.round(ops.stop_gradient(value)) for value in (x, kernel))  # whole but for what float32 adds
        upper = ops.round(kernel / _HALF)
        lower = kernel - _HALF * upper
        parts = (ops.cast(nearest(self.product(x, half)), "int32") for half in (upper, lower))
        return next(parts) * _HALF + next(parts)

    def whole_kernel(self):
        """The kernel after rounding, as an array: what a converter rounds to the same bytes, whatever its arithmetic."""
        kernel, steps = (ops.convert_to_numpy(x) for x in (self.kernel, weight_scales(self.kernel, self.axes)))
        rounded = np.sign(kernel) * np.floor(np.abs(kernel / steps) + np.float32(0.5)) * steps
        return np.where(np.abs(kernel) < _HIGHEST * steps * (1 - 1e-6), rounded, kernel)  # the largest gives the scale

    def compute_output_spec(self, inputs, training=None):
        shape = super().compute_output_shape(inputs[0].shape)
        return (*_specs(shape, (), shape[-1:]), keras.KerasTensor(shape, "int32"))


@keras.saving.register_keras_serializable("keras_unetmm")
class QuantizedConv2D(QuantizedConvolution, keras.layers.Conv2D):
    """`keras.layers.Conv2D` with the weights of an integer graph."""

    axes = (0, 1, 2)

    def product(self, x, kernel):
        """The convolution; as a product of matrices where it is one, which trains faster."""
        if self.kernel_size != (1, 1) or self.strides != (1, 1) or self.groups > 1:
            return self.convolution_op(x, kernel)
        *outer, channels = ops.shape(x)
        y = ops.matmul(ops.reshape(x, (-1, channels)), ops.reshape(kernel, (channels, self.filters)))
        return ops.reshape(y, (*outer, self.filters))


@keras.saving.register_keras_serializable("keras_unetmm")
class QuantizedDepthwiseConv2D(QuantizedConvolution, keras.layers.DepthwiseConv2D):
    """`keras.layers.DepthwiseConv2D` with the weights of an integer graph."""

    axes = (0, 1)

    def product(self, x, kernel):
        """The convolution."""
        return ops.depthwise_conv(x, kernel, strides=self.strides, padding=self.padding, dilation_rate=self.dilation_rate)


@keras.saving.register_keras_serializable("keras_unetmm")
class QuantizedConv2DTranspose(QuantizedConvolution, keras.layers.Conv2DTranspose):
    """`keras.layers.Conv2DTranspose` with the weights of an integer graph."""

    axes = (0, 1, 3)

    def product(self, x, kernel):
        """The transposed convolution."""
        return ops.conv_transpose(
            x,
            kernel,
            strides=list(self.strides),
            padding=self.padding,
            output_padding=self.output_padding,
            dilation_rate=self.dilation_rate,
        )


@keras.saving.register_keras_serializable("keras_unetmm")
class QuantizedConv3D(QuantizedConvolution, keras.layers.Conv3D):
    """`keras.layers.Conv3D` with the weights of an integer graph."""

    axes = (0, 1, 2, 3)

    def product(self, x, kernel):
        """The convolution."""
        return self.convolution_op(x, kernel)


@keras.saving.register_keras_serializable("keras_unetmm")
class QuantizedConv3DTranspose(QuantizedConvolution, keras.layers.Conv3DTranspose):
    """`keras.layers.Conv3DTranspose` with the weights of an integer graph."""

    axes = (0, 1, 2, 4)
    product = QuantizedConv2DTranspose.product


@keras.saving.register_keras_serializable("keras_unetmm")
class QuantizedDense(QuantizedConvolution, keras.layers.Dense):
    """`keras.layers.Dense` with the weights of an integer graph."""

    axes = (0,)

    def product(self, x, kernel):
        """The product of matrices."""
        return ops.matmul(x, kernel)


@keras.saving.register_keras_serializable("keras_unetmm")
class QuantizedScaled(Scaled):
    """`keras_unetmm.lowering.operator_layers.Scaled` with the constant of an integer graph.

    It reads a map and its scale, and gives a map, that scale and the constant's.
    """

    def build(self, shapes):
        super().build(shapes[0])

    def call(self, inputs):
        x, scale = inputs
        constant, steps = fake_quantized_constant(self.constant)
        return x * constant, scale, steps

    def compute_output_spec(self, inputs):
        return _specs(inputs[0].shape, (), ())


@keras.saving.register_keras_serializable("keras_unetmm")
class QuantizedShifted(Shifted):
    """`keras_unetmm.lowering.operator_layers.Shifted` with the constant of an integer graph.

    It reads a map and its scale, and gives the sum, and the addends: the map, its scale, the constant and its scale.
    """

    def build(self, shapes):
        super().build(shapes[0])

    def call(self, inputs):
        x, scale = inputs
        constant, steps = fake_quantized_constant(self.constant)
        return x + constant, x, scale, constant, steps

    def compute_output_spec(self, inputs):
        shape = inputs[0].shape
        return _specs(shape, shape, (), () if self.by is not None else shape[-1:], ())


@keras.saving.register_keras_serializable("keras_unetmm")
class QuantizedPReLU(keras.layers.PReLU):
    """`keras.layers.PReLU` with the slopes of an integer graph.

    It reads a map and its scale, and gives a map, that scale, and by what the kernel multiplies besides, at each place.
    """

    def build(self, shapes):
        super().build(shapes[0])
        self.input_spec = None

    def call(self, inputs):
        x, scale = inputs
        steps = ops.reshape(weight_scales(self.alpha, None), ())
        slopes = _rounded(self.alpha / steps) * steps
        return ops.relu(x) - slopes * ops.relu(-x), scale, ops.where(x < 0, steps, 1.0)

    def compute_output_spec(self, inputs):
        return _specs(inputs[0].shape, (), inputs[0].shape)


@keras.saving.register_keras_serializable("keras_unetmm")
class QuantizedLeakyReLU(keras.layers.LeakyReLU):
    """`keras.layers.LeakyReLU` of bytes: as `QuantizedPReLU`, with a slope that is a number."""

    def call(self, inputs):
        x, scale = inputs
        return super().call(x), scale, ops.where(x < 0, float(self.negative_slope), 1.0)

    def compute_output_spec(self, inputs):
        return _specs(inputs[0].shape, (), inputs[0].shape)


@keras.saving.register_keras_serializable("keras_unetmm")
class QuantizedReciprocalRoot(ReciprocalRoot):
    """`keras_unetmm.lowering.operator_layers.ReciprocalRoot` of bytes: the kernel knows 2**-20 of the root of an integer.

    Of zero it gives its highest. It reads a map and its scale, and gives a map and the unit of its integers.
    """

    def call(self, inputs):
        x, scale = inputs
        y = ops.rsqrt(ops.maximum(x, _LEAST_SQUARE))
        value, wide = _wide(x, scale)
        unit = ops.rsqrt(wide) / _FINE
        exact = ops.round(_FINE * ops.rsqrt(ops.maximum(ops.round(value / wide), _LEAST_SQUARE))) * unit
        return y + ops.stop_gradient(ops.cast(exact, "float32") - y), ops.cast(unit, "float32")

    def compute_output_spec(self, inputs):
        return _specs(inputs[0].shape, ())


class QuantizedMean:
    """A mean of integers. It reads a map and its scale, and gives the mean, and what it was made of.

    That is int32: means in parts of `keras_unetmm.quantization.integer_kernels.ONE`; or sums, with how many there are and
    their scale.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.input_spec = None  # two inputs

    def build(self, shapes):
        super().build(shapes[0])

    def call(self, inputs):
        x, scale = inputs
        return (super().call(x), *self.parts(ops.stop_gradient(nearest(x / scale)), scale))

    def compute_output_spec(self, inputs):
        y = keras.KerasTensor(self.compute_output_shape(inputs[0].shape), "float32")
        return (y, *(keras.KerasTensor(y.shape if i == 0 else (), kind) for i, kind in enumerate(self.kinds)))


class _OneScale(QuantizedMean):
    kinds = ("int32",)


class _Sum(QuantizedMean):
    kinds = ("int32", "int32", "float32")

    def parts(self, x, scale):
        """The sums, how many there are in each, and the scale."""
        sums = ops.sum(ops.cast(x, "int32"), axis=self.axes, keepdims=self.keepdims)
        count = math.prod(ops.shape(x)[axis] for axis in self.axes)
        return ops.cast(sums, "int32"), ops.cast(count, "int32"), scale


@keras.saving.register_keras_serializable("keras_unetmm")
class QuantizedAveragePooling2D(_OneScale, keras.layers.AveragePooling2D):
    """`keras.layers.AveragePooling2D` of bytes."""

    def parts(self, x, scale):
        """The means."""
        return (pooled(keras.layers.AveragePooling2D.call(self, x)),)


@keras.saving.register_keras_serializable("keras_unetmm")
class QuantizedResizing(_OneScale, Resizing):
    """`keras_unetmm.lowering.integer_layers.Resizing` of bytes, bilinear."""

    def parts(self, x, scale):
        """The means."""
        return (resized(ops.cast(x, "int32"), self.size),)


@keras.saving.register_keras_serializable("keras_unetmm")
class QuantizedGlobalAveragePooling2D(_Sum, keras.layers.GlobalAveragePooling2D):
    """`keras.layers.GlobalAveragePooling2D` of bytes."""

    axes = (1, 2)


@keras.saving.register_keras_serializable("keras_unetmm")
class QuantizedChannelMean(_Sum, ChannelMean):
    """`keras_unetmm.tflite.operator_layers.ChannelMean` of bytes, as the operator MEAN."""

    axes, keepdims = (-1,), True

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 1)


@keras.saving.register_keras_serializable("keras_unetmm")
class QuantizedSoftmax(keras.layers.Softmax):
    """`keras.layers.Softmax` over channels, of bytes.

    It reads a map and its scale, and gives the probabilities and, in steps of 1/256, what the kernel finds.
    """

    def build(self, shapes):
        super().build(shapes[0])

    def call(self, inputs):
        x, scale = inputs
        y = super().call(x)
        steps = softmax_steps(nearest(x / scale), scale) if has_wide() else 256 * y
        return y, ops.stop_gradient(steps)

    def compute_output_spec(self, inputs):
        return _specs(inputs[0].shape, inputs[0].shape)


@keras.saving.register_keras_serializable("keras_unetmm")
class QuantizedActivation(keras.layers.Activation):
    """`keras.layers.Activation`, a sigmoid or tanh of bytes.

    It reads a map and its scale, and gives a map and, in steps of 1/256 or 1/128, what the kernel finds.
    """

    def build(self, shapes):
        super().build(shapes[0])

    def call(self, inputs, training=None):
        x, scale = inputs
        y = super().call(x)
        kernel, unit = FUNCTIONS[self.activation.__name__]
        steps = kernel(nearest(x / scale), scale) if has_wide() and not training else y / unit
        return y, ops.stop_gradient(steps)

    def compute_output_spec(self, inputs, training=None):
        return _specs(inputs[0].shape, inputs[0].shape)


FUNCTIONS = {"sigmoid": (sigmoid_steps, 1 / 256), "tanh": (tanh_steps, 1 / 128)}
"""The kernels of `QuantizedActivation`, and the scale of their bytes."""
QUANTIZED = {
    keras.layers.Conv2D: QuantizedConv2D,
    keras.layers.DepthwiseConv2D: QuantizedDepthwiseConv2D,
    keras.layers.Conv2DTranspose: QuantizedConv2DTranspose,
    keras.layers.Conv3D: QuantizedConv3D,
    keras.layers.Conv3DTranspose: QuantizedConv3DTranspose,
    keras.layers.Dense: QuantizedDense,
    keras.layers.PReLU: QuantizedPReLU,
    keras.layers.LeakyReLU: QuantizedLeakyReLU,
    Scaled: QuantizedScaled,
    Shifted: QuantizedShifted,
    ReciprocalRoot: QuantizedReciprocalRoot,
    keras.layers.AveragePooling2D: QuantizedAveragePooling2D,
    keras.layers.GlobalAveragePooling2D: QuantizedGlobalAveragePooling2D,
    keras.layers.Softmax: QuantizedSoftmax,
    Resizing: QuantizedResizing,
    ChannelMean: QuantizedChannelMean,
    keras.layers.Activation: QuantizedActivation,
}
"""The layers of an integer graph that compute otherwise than in float, and what they are while they train."""
SCALED = (
    *(QuantizedConvolution, QuantizedScaled, QuantizedShifted),
    *(QuantizedPReLU, QuantizedLeakyReLU, QuantizedReciprocalRoot, QuantizedMean, QuantizedSoftmax),
    QuantizedActivation,
)
"""Those that read a scale, and give what the rounding after them must know."""
