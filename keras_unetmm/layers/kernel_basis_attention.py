# SPDX-License-Identifier: Apache-2.0
"""Kernel basis attention, KBNet (arXiv 2303.02881): every pixel is convolved with a kernel of its own.

Written from the paper; group size, kernel size, bias and the first values agree with the authors' public code (MIT
licence), read for that. The kernels of all pixels together, 36 numbers for every value of the map, are never held:
the sum over the 9 taps and the 4 channels of a group runs in a loop, and so does its gradient, which keeps nothing but
the inputs. `benchmarks/kernel_basis_attention.py` measures time and memory beside the plain form.
"""

from collections.abc import Sequence

import keras
from keras import ops

from keras_unetmm.types import Shape, Tensor

SIZE = 3
GROUP = 4
STEPS = SIZE * SIZE * GROUP


@keras.saving.register_keras_serializable("keras_unetmm")
class KernelBasisAttention(keras.layers.Layer):
    """Mixes K learned 3x3 convolutions with weights that each pixel brings along, and applies the mix to that pixel.

    `y[p] = sum over k of a[p, k] * ((W_k * u)[p] + b_k)`, where `W_k *` is a 3x3 convolution, same padding, in groups of
    4 channels. The weights `a` are used as they are: no softmax.

    The weights are `kernels` with shape `(3, 3, 4, K, C)`, the third axis being the place within the group of the
    channel that is read and the last the channel that is written, and `biases` with shape `(K, C)`.

    With V bytes for a map `(N, H, W, C)`, a call needs about 8 V beside its inputs and its gradient about 15 V; the
    kernels of all pixels would take 36 V.

    Shape: `[(N, H, W, C), (N, H, W, K)] -> (N, H, W, C)`, the map u and the attention a.

    Raises:
        ValueError: if C is not a multiple of 4, or not two maps come in.

    Examples:
        >>> layers.KernelBasisAttention()([keras.Input((16, 16, 8)), keras.Input((16, 16, 32))]).shape
        (None, 16, 16, 8)
    """

    def build(self, input_shape: Sequence[Shape]) -> None:
        if len(input_shape) != 2 or any(not hasattr(shape, "__len__") or len(shape) != 4 for shape in input_shape):
            raise ValueError(
                "KernelBasisAttention takes two maps, [(N, H, W, C), (N, H, W, K)]: features and attention. "
                f"Received: input shape {input_shape}. Call it with a list of the two."
            )
        channels, bases = (shape[-1] for shape in input_shape)
        if channels % GROUP:
            raise ValueError(
                f"KernelBasisAttention convolves in groups of {GROUP} channels. Received: {channels} channels. "
                f"The nearest that fit: {max(channels // GROUP, 1) * GROUP} or {(channels // GROUP + 1) * GROUP}."
            )
        bound = (bases * SIZE * SIZE * GROUP * channels) ** -0.5  # as the authors draw both
        start = keras.initializers.RandomUniform(-bound, bound)
        self.kernels = self.add_weight(name="kernels", shape=(SIZE, SIZE, GROUP, bases, channels), initializer=start.clone())
        self.biases = self.add_weight(name="biases", shape=(bases, channels), initializer=start.clone())

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        features, attention = inputs
        kernels = ops.reshape(self.kernels, (STEPS, *self.kernels.shape[3:]))
        biases = ops.reshape(self.biases, self.biases.shape)  # a tensor: TensorFlow's gradient takes no variables
        return _attend(features, attention, kernels, biases)

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        return input_shape[0]


@ops.custom_gradient
def _attend(u, a, kernels, biases):
    """The equation of the layer, with the gradient below."""

    def gradient(*arguments, upstream=None):
        if upstream is None:  # torch passes the inputs, too
            (upstream,) = arguments
        return _gradients(u, a, kernels, biases, upstream)

    size = ops.shape(u)
    weights = _flat(a)  # (N * H * W, K)
    planes = _planes(u)

    def add(n, y):
        n = _after(y, n)
        mixed = ops.matmul(weights, kernels[n])  # one of the 36 numbers of every value
        return y + _wide(ops.reshape(mixed, size) * _window(planes, n, size))

    y = ops.reshape(ops.matmul(weights, biases), size)
    return ops.cast(ops.fori_loop(0, STEPS, add, _wide(y)), u.dtype), gradient


def _gradients(u, a, kernels, biases, dy):
    """The gradients with respect to the four inputs, given that of the output."""
    size, channels, bases = ops.shape(u), u.shape[-1], a.shape[-1]
    weights, flat = ops.transpose(_flat(a)), _flat(dy)  # (K, N * H * W), (N * H * W, C)
    read, written, around = _planes(u), _planes(dy), _pad(a)[None]
    # the transposed convolution: taps mirrored, and the channels of a group change places
    backward = ops.reshape(kernels, (SIZE * SIZE, GROUP, bases, channels // GROUP, GROUP))
    backward = ops.transpose(ops.flip(backward, axis=0), (0, 4, 2, 3, 1))
    backward = ops.reshape(backward, (STEPS, bases, channels))

    def add(n, sums):
        da, du, dkernels = sums
        n = _after(da, n)
        product = _flat(dy * _window(read, n, size))
        da = da + _wide(ops.matmul(product, ops.transpose(kernels[n])))
        dkernels = ops.slice_update(dkernels, (n, 0, 0), ops.matmul(weights, product)[None])
        mixed = ops.matmul(_flat(_shifted(around, 0, n // GROUP, size)), backward[n])
        du = du + _wide(ops.reshape(mixed, size) * _window(written, n, size))
        return da, du, dkernels

    da = _wide(ops.matmul(flat, ops.transpose(biases)))
    sums = (da, ops.zeros_like(_wide(dy)), ops.zeros_like(kernels))
    da, du, dkernels = ops.fori_loop(0, STEPS, add, sums)
    da = ops.reshape(ops.cast(da, a.dtype), ops.shape(a))
    return ops.cast(du, u.dtype), da, dkernels, ops.matmul(weights, flat)


def _after(x, n):
    """The step number n, but known only once x is: TensorFlow else runs steps side by side, and holds what all need."""
    if isinstance(n, int):  # torch's loop is Python's
        return n
    return n + 0 * ops.cast(ops.any(ops.isnan(x[:1, :1])), n.dtype)


def _flat(x):
    return ops.reshape(x, (-1, x.shape[-1]))


def _wide(x):
    """At least float32: 36 terms are added up."""
    return ops.cast(x, keras.backend.result_type(x.dtype, "float32"))


def _pad(x):
    return ops.pad(x, ((0, 0), (SIZE // 2,) * 2, (SIZE // 2,) * 2, (0, 0)))


def _planes(x):
    """`(N, H, W, C) -> (4, N, H + 2, W + 2, C)`: plane i holds channel i of a group in all four places of the group."""
    x = _pad(x)
    _, height, width, channels = ops.shape(x)
    x = ops.reshape(x, (-1, height, width, channels // GROUP, GROUP))
    return ops.repeat(ops.transpose(x, (4, 0, 1, 2, 3)), GROUP, axis=-1)


def _window(planes, n, size):
    """What step n reads, (N, H, W, C): its plane, shifted by its tap."""
    return _shifted(planes, n % GROUP, n // GROUP, size)


def _shifted(planes, plane, tap, size):
    batch, height, width, _ = size
    start = (plane, 0, tap // SIZE, tap % SIZE, 0)
    return ops.slice(planes, start, (1, batch, height, width, planes.shape[-1]))[0]
