"""Layers in the form in which the converter makes integer operators of them.

Each equals a layer that has no integer form on TFLM and holds the same weights in the same order. Squares are
written as products and roots as `v * rsqrt(v)`: SQUARE, SQRT and DIV become float operators.
"""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_unetmm")
class IntegerLayerNormalization(keras.layers.Layer):
    """Layer normalization over channels: `y = gamma * (x - mean) / sqrt(variance + epsilon) + beta`.

    Args:
        epsilon: float.

    Shape: `(N, ..., C) -> (N, ..., C)`.
    """

    def __init__(self, epsilon=1e-6, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, input_shape):
        self.gamma = self.add_weight(name="gamma", shape=(input_shape[-1],), initializer="ones")
        self.beta = self.add_weight(name="beta", shape=(input_shape[-1],), initializer="zeros")

    def call(self, x):
        centred = x - ops.mean(x, axis=-1, keepdims=True)
        variance = ops.mean(centred * centred, axis=-1, keepdims=True)  # (N, ..., 1)
        return centred * ops.rsqrt(variance + self.epsilon) * self.gamma + self.beta


@keras.saving.register_keras_serializable("keras_unetmm")
class IntegerGlobalResponseNormalization(keras.layers.Layer):
    """GRN with the same result from means: `y = x * (gamma * n(x) + 1) + beta`.

    The norm's share in the mean norm does not change when all sums over the map become means.

    Args:
        epsilon: float, under the roots.

    Shape: `(N, H, W, C) -> (N, H, W, C)`.
    """

    def __init__(self, epsilon=1e-6, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, input_shape):
        self.gamma = self.add_weight(name="gamma", shape=(input_shape[-1],), initializer="zeros")
        self.beta = self.add_weight(name="beta", shape=(input_shape[-1],), initializer="zeros")

    def call(self, x):
        energy = ops.mean(x * x, axis=(1, 2), keepdims=True) + self.epsilon  # (N, 1, 1, C)
        norm = energy * ops.rsqrt(energy)
        mean = ops.mean(norm, axis=-1, keepdims=True)  # (N, 1, 1, 1)
        share = norm * ops.rsqrt(mean * mean + self.epsilon)
        return x * (share * self.gamma + 1.0) + self.beta


@keras.saving.register_keras_serializable("keras_unetmm")
class SigmoidGELU(keras.layers.Layer):
    """GELU by its sigmoid form, `y = x * sigmoid(1.702 x)`, at most 0.021 from the exact one.

    GELU, Hendrycks and Gimpel (arXiv 1606.08415), section 2.

    Shape: any, unchanged.
    """

    def call(self, x):
        return x * ops.sigmoid(1.702 * x)


@keras.saving.register_keras_serializable("keras_unetmm")
class NearestUpsampling(keras.layers.Layer):
    """Nearest neighbour upsampling as one resize operator; repeating rows and columns would need TILE.

    Args:
        factors: tuple of two int, of height and width.

    Shape: `(N, H, W, C) -> (N, H * factors[0], W * factors[1], C)`.
    """

    def __init__(self, factors, **kwargs):
        super().__init__(**kwargs)
        self.factors = tuple(factors)

    def call(self, x):
        size = tuple(s * f for s, f in zip(ops.shape(x)[1:3], self.factors, strict=True))
        return ops.image.resize(x, size, interpolation="nearest", data_format="channels_last")
