"""Layers in the form in which the converter makes integer operators of them.

Each equals a layer that has no integer form on some target and holds the same weights in the same order. Squares are
written as products and roots as `v * rsqrt(v)`: SQUARE, SQRT and DIV become float operators.
"""

import keras
import numpy as np
from keras import ops

from keras_unetmm.layers.kernel_basis_attention import GROUP


@keras.saving.register_keras_serializable("keras_unetmm")
class Affine(keras.layers.Layer):
    """A scale and a shift for every channel, `y = scale * x + shift`: what normalizations come to when they are trained.

    Args:
        form: `"arithmetic"`, MUL and ADD; or `"depthwise"`, one depthwise 1x1 convolution, of maps `(N, H, W, C)`.
        shifted: bool, whether there is a shift.

    Shape: `(..., C) -> (..., C)`.
    """

    def __init__(self, form="arithmetic", shifted=True, **kwargs):
        super().__init__(**kwargs)
        self.form = form
        self.shifted = shifted

    def build(self, input_shape):
        self.scale = self.add_weight(name="scale", shape=(input_shape[-1],), initializer="ones")
        if self.shifted:
            self.shift = self.add_weight(name="shift", shape=(input_shape[-1],), initializer="zeros")

    def call(self, x):
        if self.form == "depthwise" and len(x.shape) == 4:
            y = ops.depthwise_conv(x, ops.reshape(self.scale, (1, 1, -1, 1)))
        else:
            y = x * self.scale
        return y + self.shift if self.shifted else y

    def compute_output_shape(self, input_shape):
        return input_shape


def _mean(x, form):
    """The mean over channels, `(N, ..., C) -> (N, ..., 1)`."""
    channels = x.shape[-1]
    if form == "convolution" and len(x.shape) == 4:
        return ops.conv(x, np.full((1, 1, channels, 1), 1 / channels, "float32"))
    return ops.mean(x, axis=-1, keepdims=True)


@keras.saving.register_keras_serializable("keras_unetmm")
class IntegerLayerNormalization(keras.layers.Layer):
    """Layer normalization over channels: `y = gamma * (x - mean) / sqrt(variance + epsilon) + beta`.

    Args:
        epsilon: float.
        mean: `"mean"`, the operator; or `"convolution"`, a 1x1 convolution with the weights 1/C.

    Shape: `(N, ..., C) -> (N, ..., C)`.
    """

    def __init__(self, epsilon=1e-6, mean="mean", **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon
        self.mean = mean

    def build(self, input_shape):
        self.gamma = self.add_weight(name="gamma", shape=(input_shape[-1],), initializer="ones")
        self.beta = self.add_weight(name="beta", shape=(input_shape[-1],), initializer="zeros")

    def call(self, x):
        centred = x - _mean(x, self.mean)
        variance = _mean(centred * centred, self.mean)  # (N, ..., 1)
        return centred * ops.rsqrt(variance + self.epsilon) * self.gamma + self.beta


@keras.saving.register_keras_serializable("keras_unetmm")
class IntegerGlobalResponseNormalization(keras.layers.Layer):
    """GRN with the same result from means: `y = x * (gamma * n(x) + 1) + beta`.

    The norm's share in the mean norm does not change when all sums over the map become means.

    Args:
        epsilon: float, under the roots.

    Shape: `(N, H, W, C) -> (N, H, W, C)`.
    """

    def __init__(self, epsilon=1e-6, mean="mean", **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon
        self.mean = mean

    def build(self, input_shape):
        self.gamma = self.add_weight(name="gamma", shape=(input_shape[-1],), initializer="zeros")
        self.beta = self.add_weight(name="beta", shape=(input_shape[-1],), initializer="zeros")

    def call(self, x):
        epsilon = self.epsilon / (x.shape[1] * x.shape[2])  # under a mean, not a sum
        energy = ops.mean(x * x, axis=(1, 2), keepdims=True) + epsilon  # (N, 1, 1, C)
        norm = energy * ops.rsqrt(energy)
        mean = _mean(norm, self.mean)  # (N, 1, 1, 1)
        share = norm * ops.rsqrt(mean * mean + epsilon)
        return x * (share * self.gamma + 1.0) + self.beta


@keras.saving.register_keras_serializable("keras_unetmm")
class SigmoidGELU(keras.layers.Layer):
    """GELU by its sigmoid form, `y = x * sigmoid(1.702 x)`, at most 0.0204 from the exact one.

    GELU, Hendrycks and Gimpel (arXiv 1606.08415), section 2.

    Shape: any, unchanged.
    """

    def call(self, x):
        return x * ops.sigmoid(1.702 * x)


@keras.saving.register_keras_serializable("keras_unetmm")
class OperatorGELU(keras.layers.Layer):
    """GELU as the operator of its own that a target has.

    Args:
        approximate: bool, whether it is the form with tanh.

    Shape: any, unchanged.
    """

    def __init__(self, approximate=False, **kwargs):
        super().__init__(**kwargs)
        self.approximate = approximate

    def call(self, x):
        return ops.gelu(x, approximate=self.approximate)


@keras.saving.register_keras_serializable("keras_unetmm")
class Resizing(keras.layers.Layer):
    """Resizing as one operator; repeating rows and columns would need TILE.

    Args:
        size: tuple of two int, the height and width to come out, in pixels.
        interpolation: `"nearest"` or `"bilinear"`, with half-pixel centres.

    Shape: `(N, H, W, C) -> (N, *size, C)`.
    """

    def __init__(self, size, interpolation, **kwargs):
        super().__init__(**kwargs)
        self.size = tuple(size)
        self.interpolation = interpolation

    def call(self, x):
        return ops.image.resize(x, self.size, interpolation=self.interpolation, data_format="channels_last")

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.size, input_shape[-1])


@keras.saving.register_keras_serializable("keras_unetmm")
class EdgePadding(keras.layers.Layer):
    """Repeats the border's pixels once on every side, by slices and concatenations.

    Shape: `(N, H, W, C) -> (N, H + 2, W + 2, C)`.
    """

    def call(self, x):
        x = ops.concatenate([x[:, :1], x, x[:, -1:]], axis=1)
        return ops.concatenate([x[:, :, :1], x, x[:, :, -1:]], axis=2)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, height + 2, width + 2, channels)


@keras.saving.register_keras_serializable("keras_unetmm")
class IntegerKernelBasisAttention(keras.layers.Layer):
    """Kernel basis attention basis by basis: `y = sum over k of a[k] * (W_k * u + b_k)`, each a grouped convolution.

    Args:
        grouped: bool, whether the target has grouped convolutions; else the kernels are filled up with zeros.

    Shape: `[(N, H, W, C), (N, H, W, K)] -> (N, H, W, C)`.
    """

    def __init__(self, grouped=True, **kwargs):
        super().__init__(**kwargs)
        self.grouped = grouped

    def build(self, input_shape):
        channels, bases = (shape[-1] for shape in input_shape)
        read = GROUP if self.grouped else channels
        self.kernels = self.add_weight(name="kernels", shape=(3, 3, read, bases, channels))
        self.biases = self.add_weight(name="biases", shape=(bases, channels))

    def call(self, inputs):
        u, a = inputs
        y = None
        for k in range(a.shape[-1]):
            kernel = self.kernels[:, :, :, k]  # (3, 3, 4 or C, C)
            mixed = ops.conv(u, kernel, padding="same") + self.biases[k]
            mixed = mixed * a[..., k : k + 1]
            y = mixed if y is None else y + mixed
        return y

    def compute_output_shape(self, input_shape):
        return input_shape[0]
