# SPDX-License-Identifier: Apache-2.0
"""Layers in the form in which the converter makes integer operators of them.

Each equals a layer that has no integer form on some target and holds the same weights in the same order. Those that take
several operators are composites of layers that take one each (`keras_unetmm.lowering.operator_layers`). Squares are written
as products and roots as `v * rsqrt(v)`: SQUARE, SQRT and DIV become float operators. One file although it is long: each
layer is small, and all are built alike.
"""

import keras
from keras import ops

from keras_unetmm.layers.composite import Composite
from keras_unetmm.layers.kernel_basis_attention import GROUP
from keras_unetmm.lowering.operator_layers import ChannelMean, OneChannel, ReciprocalRoot, Scaled, Shifted, built

_UNKNOWN = 64 * 64  # places of a map whose size is open


@keras.saving.register_keras_serializable("keras_unetmm")
class Affine(Composite):
    """A scale and a shift for every channel, `y = scale * x + shift`: what normalizations come to when they are trained.

    Args:
        form: `"arithmetic"`, MUL and ADD; or `"depthwise"`, one depthwise 1x1 convolution, of maps `(N, H, W, C)`.
        shifted: bool, whether there is a shift.

    Shape: `(..., C) -> (..., C)`.
    """

    def __init__(self, form="arithmetic", shifted=True, **kwargs):
        super().__init__(**kwargs)
        self.input_spec = None
        self.form = form
        self.shifted = shifted

    def build(self, input_shape):
        self.product = self.sum = None
        if self.form == "depthwise" and len(input_shape) == 4:
            self.product = keras.layers.DepthwiseConv2D(1, use_bias=self.shifted, name="product", dtype="float32")
        else:
            self.product = Scaled(name="product", dtype="float32")
            self.sum = Shifted(name="sum", dtype="float32") if self.shifted else None
        for part in (self.product, self.sum):
            if part is not None:
                part.build(input_shape)

    @property
    def scale(self):
        """The scale of each channel, `(C,)`."""
        return ops.reshape(self.weights[0], (-1,))

    @property
    def shift(self):
        """The shift of each channel, `(C,)`, if there is one."""
        return self.weights[1]

    def call(self, x):
        y = self.product(x)
        return y if self.sum is None else self.sum(y)

    def compute_output_shape(self, input_shape):
        return input_shape


@keras.saving.register_keras_serializable("keras_unetmm")
class ChannelNorm(Composite):
    """The root of each channel's mean square, `sqrt(mean(x**2) + epsilon)`.

    Args:
        epsilon: float.
        cut: bool, whether squares end at 6: then small channels have small steps.

    Shape: `(N, H, W, C) -> (N, 1, 1, C)`.
    """

    def __init__(self, epsilon, cut=False, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon
        self.cut = cut

    def build(self, input_shape):
        each = (input_shape[0], 1, 1, input_shape[-1])
        self.square = built(keras.layers.Multiply(name="square"), [input_shape] * 2)
        self.end = built(keras.layers.ReLU(6.0, name="end"), input_shape) if self.cut else None
        self.energy = keras.layers.GlobalAveragePooling2D(keepdims=True, name="energy", dtype="float32")
        self.plus = built(Shifted(self.epsilon, name="plus"), each)
        self.root = built(ReciprocalRoot(name="root"), each)
        self.norm = built(keras.layers.Multiply(name="norm"), [each] * 2)

    def call(self, x):
        squares = self.square([x, x])
        energy = self.plus(self.energy(squares if self.end is None else self.end(squares)))
        return self.norm([energy, self.root(energy)])


@keras.saving.register_keras_serializable("keras_unetmm")
class IntegerGlobalResponseNormalization(Composite):
    """GRN with the same result from means: `y = x * (gamma * n(x) + 1) + beta`.

    The norm's share in the mean norm does not change when all sums over the map become means. Energies of channels differ by
    more than bytes can hold, so that the norm is the larger one of two: of all squares, which is the result, and of squares
    that end at 6, which is less or the same, and has steps for the channels that the first one rounds to nothing.

    Args:
        epsilon: float, under the roots; for maps of open size as if they had 64 x 64 places.
        mean: `"mean"`, the operator; or `"convolution"`, a 1x1 convolution with the weights 1/C.

    Shape: `(N, H, W, C) -> (N, H, W, C)`.
    """

    def __init__(self, epsilon=1e-6, mean="mean", **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon
        self.mean = mean

    def build(self, input_shape):
        batch, height, width, channels = input_shape
        epsilon = self.epsilon / (height * width if height and width else _UNKNOWN)  # under a mean, not a sum
        each, one = (batch, 1, 1, channels), (batch, 1, 1, 1)
        self.whole = built(ChannelNorm(epsilon, name="whole"), input_shape)
        self.small = built(ChannelNorm(epsilon, cut=True, name="small"), input_shape)
        self.norm = built(keras.layers.Maximum(name="norm"), [each] * 2)
        self.average = built(ChannelMean(self.mean, name="average"), each)
        self.average_square = built(keras.layers.Multiply(name="average_square"), [one] * 2)
        self.average_plus = built(Shifted(epsilon, name="average_plus"), one)
        self.average_root = built(ReciprocalRoot(name="average_root"), one)
        self.share = built(keras.layers.Multiply(name="share"), [each, one])
        self.gamma = built(Scaled(name="gamma"), each)
        self.identity = built(Shifted(1.0, name="identity"), each)
        self.rescaled = built(keras.layers.Multiply(name="rescaled"), [input_shape, each])
        self.beta = built(Shifted(name="beta"), input_shape)

    def call(self, x):
        norm = self.norm([self.whole(x), self.small(x)])  # (N, 1, 1, C)
        mean = self.average(norm)  # (N, 1, 1, 1)
        share = self.share([norm, self.average_root(self.average_plus(self.average_square([mean, mean])))])
        return self.beta(self.rescaled([x, self.identity(self.gamma(share))]))


@keras.saving.register_keras_serializable("keras_unetmm")
class SigmoidGELU(Composite):
    """GELU by its sigmoid form, `y = x * sigmoid(1.702 x)`, at most 0.0204 from the exact one.

    GELU, Hendrycks and Gimpel (arXiv 1606.08415), section 2.

    Shape: any, unchanged.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.input_spec = None

    def build(self, input_shape):
        self.steeper = built(Scaled(1.702, name="steeper"), input_shape)
        self.sigmoid = built(keras.layers.Activation("sigmoid", name="sigmoid"), input_shape)
        self.product = built(keras.layers.Multiply(name="product"), [input_shape] * 2)

    def call(self, x):
        return self.product([x, self.sigmoid(self.steeper(x))])

    def compute_output_shape(self, input_shape):
        return input_shape


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
class IntegerKernelBasisAttention(Composite):
    """Kernel basis attention basis by basis: `y = sum over k of a[k] * (W_k * u + b_k)`, each a grouped convolution.

    Args:
        grouped: bool, whether the target has grouped convolutions; else the kernels are filled up with zeros.

    Shape: `[(N, H, W, C), (N, H, W, K)] -> (N, H, W, C)`.
    """

    def __init__(self, grouped=True, **kwargs):
        super().__init__(**kwargs)
        self.input_spec = None
        self.grouped = grouped

    def build(self, input_shape):
        maps, weights = input_shape
        channels, bases = maps[-1], weights[-1]
        groups = channels // GROUP if self.grouped else 1
        config = {"padding": "same", "groups": groups, "dtype": "float32"}
        self.bases, self.weigh, self.choose, self.join = [], [], [], []
        for k in range(bases):
            self.bases.append(built(keras.layers.Conv2D(channels, 3, name=f"basis{k}", **config), maps))
            self.choose.append(built(OneChannel(k, name=f"choose{k}"), weights))
            self.weigh.append(built(keras.layers.Multiply(name=f"weigh{k}"), [maps, (*maps[:-1], 1)]))
            self.join.append(built(keras.layers.Add(name=f"join{k}"), [maps] * 2) if k else None)

    def set_kernels(self, kernels, biases):
        """Sets the kernels `(3, 3, 4 or C, K, C)` and the biases `(K, C)`."""
        for k, convolution in enumerate(self.bases):
            convolution.set_weights([kernels[:, :, :, k], biases[k]])

    def call(self, inputs):
        u, a = inputs
        y = None
        for basis, choose, weigh, join in zip(self.bases, self.choose, self.weigh, self.join, strict=True):
            mixed = weigh([basis(u), choose(a)])
            y = mixed if y is None else join([y, mixed])
        return y

    def compute_output_shape(self, input_shape):
        return input_shape[0]
