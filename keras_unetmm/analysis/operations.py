# SPDX-License-Identifier: Apache-2.0
"""Multiply-accumulate operations of a network, by the counting rule of the restoration papers."""

import math

import keras
from keras import layers

from keras_unetmm.graph.trace import trace
from keras_unetmm.layers.kernel_basis_attention import STEPS, KernelBasisAttention
from keras_unetmm.types import Size

_TRANSPOSED = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
_AT_EVERY_OUTPUT = (
    *(layers.Conv1D, layers.Conv2D, layers.Conv3D, layers.DepthwiseConv1D, layers.DepthwiseConv2D),
    *(layers.SeparableConv1D, layers.SeparableConv2D, layers.Dense),
)
_POOLS = (layers.GlobalAveragePooling1D, layers.GlobalAveragePooling2D, layers.GlobalAveragePooling3D)


def macs(model: keras.Model, size: Size = None, kernel_bases: bool = False) -> int:
    """Counts the multiply-accumulate operations of one image or volume.

    The rule is that of the tables in NAFNet and UNet--: the weights of a convolution times its output pixels, plus one
    for each biased output, plus the inputs of global average pooling. Norms, activations, other pooling, resizing and
    element-wise operations are free.

    A transposed convolution multiplies each weight once with each *input* pixel, and that is counted, plus one for each
    biased output, before cropping. No network of those two tables has one; ptflops 0.7.5, which counts as the tables do,
    has the same rule. A separable convolution counts as its two halves.

    KBNet's published figure leaves the kernel basis attention out, which is most of its arithmetic: `kernel_bases=True`
    counts it, mixing a kernel and a bias for every pixel and applying the kernel.

    Args:
        model: a functional `keras.Model` on images or volumes, whose weights need no values.
        size: `(height, width)` in pixels, of a volume `(depth, height, width)`; by default the model's own, which then
            must be static.
        kernel_bases: bool, whether kernel basis attention counts.

    Returns:
        int.

    Raises:
        ValueError: if no size is known, or the model does not take it.

    Examples:
        >>> analysis.macs(models.UNet(channels=4, levels=2), (64, 64))
        3661824
    """
    return sum(_counted(call, kernel_bases) for call in trace(model, size))


def _counted(call, kernel_bases):
    layer, outputs = call.operation, math.prod(call.outputs[0].shape[1:-1])
    if isinstance(layer, _POOLS):
        return math.prod(call.inputs[0].shape[1:])
    if isinstance(layer, _AT_EVERY_OUTPUT):
        return outputs * sum(math.prod(weight.shape) for weight in layer.weights)
    if isinstance(layer, _TRANSPOSED):
        biases = outputs * layer.filters if layer.use_bias else 0
        return math.prod(call.inputs[0].shape[1:-1]) * math.prod(layer.kernel.shape) + biases
    if kernel_bases and isinstance(layer, KernelBasisAttention):
        bases, channels = layer.biases.shape
        return outputs * channels * (STEPS * bases + bases + STEPS)
    return 0
