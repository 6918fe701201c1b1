"""The transposed convolution of a dilated U-Net module (SUNets, arXiv 1804.10343): stride 1, with a rate."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_unetmm")
class DilatedTransposedConvolution(keras.layers.Conv2DTranspose):
    """`keras.layers.Conv2DTranspose` of stride 1 that keeps the size of its map, with a rate on every device.

    It is the convolution with the kernel turned by 180 degrees, inputs and outputs exchanged, and computed as such:
    TensorFlow has no dilated transposed convolution on CPUs. It equals PyTorch's with `padding=rate` and a 3x3 kernel.

    Args:
        filters: int, channels of the output.
        kernel_size: int, odd.
        dilation_rate: int.

    Shape: `(N, H, W, C) -> (N, H, W, filters)`; the kernel is `(height, width, filters, C)`, as Keras has it.
    """

    def __init__(self, filters, kernel_size=3, dilation_rate=1, **kwargs):
        super().__init__(filters, kernel_size, dilation_rate=dilation_rate, **{**kwargs, "strides": 1, "padding": "same"})

    def call(self, x):
        kernel = ops.swapaxes(ops.flip(self.kernel, axis=(0, 1)), 2, 3)  # (h, w, C, filters)
        return ops.conv(x, kernel, padding="same", dilation_rate=self.dilation_rate) + self.bias
