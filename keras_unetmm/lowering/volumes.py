# SPDX-License-Identifier: Apache-2.0
"""3-D layers as 2-D layers on the slices of a volume: exact, for targets that have no 3-D convolution.

A volume `(1, D, H, W, C)` is a list of D maps `(1, H, W, C)`. A convolution reads the slices under its window side by
side in their channels, so that one 2-D convolution adds all of its products up in one accumulator. It has as many
multiply-accumulates as before, at the volume's ends fewer: there it leaves out what would be multiplied by zero.
"""

from dataclasses import replace

import keras
import numpy as np
from keras import ops

from keras_unetmm import layers
from keras_unetmm.lowering.integer_layers import Resizing
from keras_unetmm.lowering.legalize import legalized
from keras_unetmm.lowering.operator_layers import Scaled, Shifted

MOST = 8  # maps that one operator puts together; TFLM's kernel takes at most 10
SLICEWISE = (  # what looks at one place at a time, and at all of its channels
    *(keras.layers.Add, keras.layers.Subtract, keras.layers.Multiply, keras.layers.Maximum, keras.layers.Minimum),
    *(keras.layers.Concatenate, keras.layers.Activation, keras.layers.ReLU, keras.layers.LeakyReLU),
    *(keras.layers.PReLU, keras.layers.Softmax, layers.GELU, layers.SimpleGate, layers.RepeatChannels),
    *(Scaled, Shifted),
)


@keras.saving.register_keras_serializable("keras_unetmm")
class Slices(keras.layers.Layer):
    """The slices of a volume, or of a `Stack`, which has the same bytes.

    Args:
        depth: int, how many slices it holds.

    Shape: `(1, D, H, W, C)` or `(1, D * H, W, C)` -> D times `(1, H, W, C)`.
    """

    def __init__(self, depth, **kwargs):
        super().__init__(**kwargs)
        self.depth = depth

    def call(self, x):
        if len(x.shape) == 5:
            _, depth, height, *rest = x.shape
            x = ops.reshape(x, (1, depth * height, *rest))
        return ops.split(x, self.depth, axis=1)

    def compute_output_shape(self, input_shape):
        height = input_shape[2] if len(input_shape) == 5 else input_shape[1] // self.depth
        return [(1, height, *input_shape[-2:])] * self.depth


@keras.saving.register_keras_serializable("keras_unetmm")
class Stack(keras.layers.Layer):
    """The slices of a volume below each other in one map.

    Shape: D times `(1, H, W, C)` -> `(1, D * H, W, C)`.
    """

    def call(self, slices):
        while len(slices) > 1:
            groups = [slices[i : i + MOST] for i in range(0, len(slices), MOST)]
            slices = [ops.concatenate(group, axis=1) if len(group) > 1 else group[0] for group in groups]
        return slices[0]

    def compute_output_shape(self, input_shape):
        _, height, *rest = input_shape[0]
        return (1, len(input_shape) * height, *rest)


@keras.saving.register_keras_serializable("keras_unetmm")
class Volume(keras.layers.Layer):
    """The volume of a `Stack`.

    Args:
        depth: int, how many slices it holds.

    Shape: `(1, D * H, W, C)` -> `(1, D, H, W, C)`.
    """

    def __init__(self, depth, **kwargs):
        super().__init__(**kwargs)
        self.depth = depth

    def call(self, x):
        return ops.reshape(x, self.compute_output_shape(x.shape))

    def compute_output_shape(self, input_shape):
        _, height, *rest = input_shape
        return (1, self.depth, height // self.depth, *rest)


def on_slices(layer, slices, forms, made):
    """Returns the slices that a 3-D layer makes of a volume's, or None if there is no integer form of it.

    Args:
        layer: a Keras layer with three spatial axes and one input.
        slices: list of tensors `(1, H, W, C)`.
        forms: `keras_unetmm.targets.options.LoweringOptions`.
        made: dict, the 2-D layers that have been made for this one, to which those made now are added.
    """
    for kind, form in _TABLE:
        if isinstance(layer, kind):
            return form(layer, slices, forms, made)
    return None


def _convolution(layer, slices, forms, made):
    size, stride, dilation = layer.kernel_size[0], layer.strides[0], layer.dilation_rate[0]
    if layer.groups > 1:
        return None
    kernel, bias = _weights(layer)
    config = {"strides": layer.strides[1:], "dilation_rate": layer.dilation_rate[1:], **_common(layer)}

    def part(taps):
        """The convolution with the slices of the kernel that lie inside the volume."""
        weights = kernel[list(taps)].transpose(1, 2, 0, 3, 4)
        flat = keras.layers.Conv2D(layer.filters, layer.kernel_size[1:], name=_named(layer, taps, size), **config)
        flat = _with(flat, weights.reshape(*weights.shape[:2], -1, layer.filters), bias)
        return legalized(flat, forms, ((1, None, None, len(taps) * kernel.shape[-2]),))

    windows = _windows(len(slices), size, stride, dilation, layer.padding)
    return _slid(windows, slices, part, made)


def _transposed_convolution(layer, slices, forms, made):
    size, stride = layer.kernel_size[0], layer.strides[0]
    if layer.output_padding is not None or set(layer.dilation_rate) != {1} or size < stride:
        return None
    kernel, bias = _weights(layer)  # (d, h, w, out, in)
    config = {"strides": layer.strides[1:], **_common(layer)}
    before = (size - stride) // 2 if layer.padding == "same" else 0
    depth = len(slices) * stride + (0 if layer.padding == "same" else size - stride)
    windows = []
    for place in range(depth):
        reads = [(d, place + before - d * stride) for d in range(len(slices))]
        windows.append([(d, tap) for d, tap in reads if 0 <= tap < size])

    def part(taps):
        weights = np.concatenate([kernel[tap] for tap in taps], axis=-1)
        flat = keras.layers.Conv2DTranspose(layer.filters, layer.kernel_size[1:], name=_named(layer, taps, None), **config)
        read = (1, *slices[0].shape[1:3], weights.shape[-1])
        return legalized(_with(flat, weights, bias), replace(forms, upconvolution="operator"), (read,))  # few operators

    return _slid(windows, slices, part, made)


def _windows(depth, size, stride, dilation, padding):
    """For each slice of the output, what it reads: pairs of a slice and the kernel's tap on it."""
    reach = (size - 1) * dilation + 1
    same = padding == "same"
    made = -(-depth // stride) if same else (depth - reach) // stride + 1
    before = max((made - 1) * stride + reach - depth, 0) // 2 if same else 0
    taps = range(size)
    reads = [[(place * stride + tap * dilation - before, tap) for tap in taps] for place in range(made)]
    return [[(d, tap) for d, tap in window if 0 <= d < depth] for window in reads]


def _slid(windows, slices, part, made):
    """Calls for each window the layers for its taps on its slices side by side; None if one lies outside the volume."""
    if not all(windows):
        return None
    result = []
    for window in windows:
        taps = tuple(tap for _, tap in window)
        if taps not in made:
            made[taps] = part(taps)
        read = [slices[d] for d, _ in window]
        x = _side_by_side(read)
        for layer in made[taps]:
            x = layer(x)
        result.append(x)
    return result


def _side_by_side(maps):
    while len(maps) > 1:
        groups = [maps[i : i + MOST] for i in range(0, len(maps), MOST)]
        maps = [keras.layers.Concatenate(axis=-1)(group) if len(group) > 1 else group[0] for group in groups]
    return maps[0]


def _max_pooling(layer, slices, forms, made):
    if not made:
        made["pool"] = keras.layers.MaxPooling2D(layer.pool_size[1:], layer.strides[1:], layer.padding, name=layer.name)
    result = []
    for window in _windows(len(slices), layer.pool_size[0], layer.strides[0], 1, layer.padding):
        read = [slices[d] for d, _ in window]
        result.append(made["pool"](keras.layers.Maximum()(read) if len(read) > 1 else read[0]))
    return result


def _upsampling(layer, slices, forms, made):
    _, height, width, _ = slices[0].shape
    size = (height * layer.size[1], width * layer.size[2])
    resized = [Resizing(size, "nearest")(x) for x in slices]
    return [x for x in resized for _ in range(layer.size[0])]


def _cropping(layer, slices, forms, made):
    (first, last), *plane = layer.cropping
    crop = keras.layers.Cropping2D(plane)
    return [crop(x) for x in slices[first : len(slices) - last]]


def _weights(layer):
    kernel = keras.ops.convert_to_numpy(layer.kernel)
    return kernel, keras.ops.convert_to_numpy(layer.bias) if layer.use_bias else np.zeros(layer.filters, "float32")


def _common(layer):
    return {"padding": layer.padding, "activation": layer.activation, "dtype": "float32"}


def _with(flat, kernel, bias):
    channels = kernel.shape[-1 if isinstance(flat, keras.layers.Conv2DTranspose) else -2]
    flat.build((1, None, None, channels))
    flat.set_weights([kernel, bias])
    return flat


def _named(layer, taps, size):
    """The layer's name, with the taps where they are not all."""
    return layer.name if len(taps) == size else f"{layer.name}_taps{'_'.join(map(str, taps))}"


_TABLE = (
    (keras.layers.Conv3D, _convolution),
    (keras.layers.Conv3DTranspose, _transposed_convolution),
    (keras.layers.MaxPooling3D, _max_pooling),
    (keras.layers.UpSampling3D, _upsampling),
    (keras.layers.Cropping3D, _cropping),
)
LAYERS = tuple(kind for kind, _ in _TABLE)
"""The layers of three spatial axes that have an integer form."""
