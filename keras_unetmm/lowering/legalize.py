# SPDX-License-Identifier: Apache-2.0
"""The table from layer to the layers that stand for it in an integer graph, with weights carried over.

One file although it is long: it is one table, at its end, and what its rows name.
"""

import keras
import numpy as np

from keras_unetmm import layers
from keras_unetmm.lowering import functions, sequences
from keras_unetmm.lowering.elementwise import Magnitude, Squared
from keras_unetmm.lowering.folding import is_elementwise, with_weights
from keras_unetmm.lowering.integer_layers import (
    Affine,
    EdgePadding,
    IntegerGlobalResponseNormalization,
    IntegerKernelBasisAttention,
    OperatorGELU,
    Resizing,
    SigmoidGELU,
)
from keras_unetmm.lowering.normalizations import (
    IntegerGroupNormalization,
    IntegerLayerNormalization,
    IntegerRMSNormalization,
)
from keras_unetmm.lowering.operator_layers import ChannelMean, OneChannel, ReciprocalRoot, Scaled, Shifted

# fmt: off
RANDOM = tuple(  # they change images in training, and do nothing outside it
    getattr(keras.layers, name)
    for name in (
        *("AugMix", "CutMix", "MixUp", "RandAugment", "RandomBrightness", "RandomColorDegeneration", "RandomColorJitter"),
        *("RandomContrast", "RandomElasticTransform", "RandomErasing", "RandomFlip", "RandomGaussianBlur"),
        *("RandomGrayscale", "RandomHue", "RandomInvert", "RandomPerspective", "RandomPosterization"),
        *("RandomRotation", "RandomSaturation", "RandomSharpness", "RandomShear", "RandomTranslation", "RandomZoom"),
    )
    if hasattr(keras.layers, name)
)
DROPPED = (  # they do nothing outside training
    *(keras.layers.Dropout, keras.layers.SpatialDropout1D, keras.layers.SpatialDropout2D, keras.layers.SpatialDropout3D),
    *(keras.layers.AlphaDropout, keras.layers.GaussianDropout, keras.layers.GaussianNoise),
    *(keras.layers.ActivityRegularization, keras.layers.Identity, layers.CheckedSizes),
    *RANDOM,
)
AS_THEY_ARE = (
    *(keras.layers.DepthwiseConv2D, keras.layers.SeparableConv2D, keras.layers.MaxPooling2D),
    *(keras.layers.AveragePooling2D, keras.layers.GlobalAveragePooling2D, keras.layers.GlobalMaxPooling2D),
    *(keras.layers.Add, keras.layers.Subtract, keras.layers.Multiply, keras.layers.Maximum, keras.layers.Minimum),
    *(keras.layers.Flatten, keras.layers.Reshape, keras.layers.Permute, keras.layers.ZeroPadding2D),
    *(keras.layers.Cropping2D,),
    *(layers.PadToMultiple, layers.CropLike, layers.RepeatChannels, layers.SimpleGate),
    *(Scaled, Shifted, ChannelMean, ReciprocalRoot, OneChannel),  # of what is lowered already
    *(EdgePadding, OperatorGELU, Resizing, Squared, Magnitude),
)
FUNCTIONS = {  # of keras.ops, called on tensors instead of a layer
    *("Absolute", "Add", "Amax", "Clip", "Concatenate", "ExpandDims", "GetItem", "Max", "Maximum", "Mean", "Minimum"),
    *("Multiply", "Negative", "Pad", "Relu", "Relu6", "Reshape", "Rsqrt", "Sigmoid", "Silu", "Slice", "Softmax", "Split"),
    *("Squeeze", "Subtract", "Sum", "Tanh", "Transpose", "HardSilu", "HardSigmoid", "MaxPool", "AveragePool"),
}
# fmt: on


def legalized(layer, forms, shapes, args=()):
    """Returns the tuple of layers that stands for one layer, to be called one on the other's output; or None.

    Args:
        layer: a Keras layer, or the operation of a function of `keras.ops`.
        forms: `keras_unetmm.targets.options.LoweringOptions`.
        shapes: tuple of the shapes of its inputs.
        args: tuple of what a function was called on, tensors and constants.
    """
    if not isinstance(layer, keras.layers.Layer):
        return _function(layer, forms, shapes, args)
    if isinstance(layer, DROPPED):
        return ()
    if _ends_apart(layer) and not isinstance(layer, keras.layers.Activation):
        first = type(layer).from_config({**layer.get_config(), "activation": None})
        first.build_from_config(layer.get_build_config())
        first.set_weights(layer.get_weights())
        last = keras.layers.Activation(layer.activation, name=f"{layer.name}_activation")
        return (*legalized(first, forms, shapes), *_activation(last, forms, (first.compute_output_shape(shapes[0]),)))
    for kind, form in TABLE:
        if isinstance(layer, kind):
            return form(layer, forms, shapes)
    return (rebuilt(layer),) if isinstance(layer, AS_THEY_ARE) else None


def _function(function, forms, shapes, args):
    if type(function).__name__ == "Gelu":
        return (_gelu(forms, function.name, function.approximate),)
    made = functions.as_layers(function, forms, args)
    if made is None:
        return (function,) if type(function).__name__ in FUNCTIONS else None
    chain = []
    for layer in made:
        parts = (layer,) if isinstance(layer, Affine) else legalized(layer, forms, shapes)
        if parts is None:
            return None
        chain += parts
    return tuple(chain)


def rebuilt(layer, **changes):
    """Returns a float32 copy of a layer with its weights; `changes` are of its config."""
    return _carried(layer, type(layer).from_config({**layer.get_config(), "dtype": "float32", **changes}))


def shuffle(factor, channels, forms, name, before=None):
    """Returns the layers of a pixel shuffle to that many channels; `before`, a 1x1 convolution, is taken in."""
    if forms.shuffle == "operator":
        return (layers.PixelShuffle(factor, name=name),)
    steps, chain = _steps(factor, forms.step), []
    for i, step in enumerate(steps):
        rest = int(np.prod(steps[i + 1 :], dtype=int))
        kernel, bias = _one_hot(step, rest, channels), None
        if before is not None and i == 0:
            kernel, bias = _after_pointwise(kernel, before)
        name_i = _numbered(name, i, steps)
        layer = keras.layers.Conv2DTranspose(rest**2 * channels, step, strides=step, use_bias=bias is not None, name=name_i)
        layer.build((None, None, None, kernel.shape[-1]))
        layer.set_weights([kernel] if bias is None else [kernel, bias])
        chain.append(layer)
    return tuple(chain)


def can_shuffle(factor, channels, forms, before):
    """Whether a shuffle as a convolution can take in a 1x1 convolution: its bias must be the same in every phase."""
    if forms.shuffle == "operator" or not _is_plain_pointwise(before):
        return False
    step = _steps(factor, forms.step)[0]
    _, bias = _after_pointwise(_one_hot(step, factor // step, channels), before)
    return bias is not None


def _is_plain_pointwise(layer):
    plain = type(layer) is keras.layers.Conv2D and layer.kernel_size == layer.strides == (1, 1) and layer.groups == 1
    return plain and layer.activation in (None, keras.activations.linear)


def _after_pointwise(kernel, before):
    """The transposed convolution of `kernel`, whose windows do not overlap, after the 1x1 convolution `before`."""
    matrix = keras.ops.convert_to_numpy(before.kernel)[0, 0]
    joined = np.einsum("ijts,ns->ijtn", kernel, matrix, optimize=True)
    if not before.use_bias:
        return joined, np.zeros(kernel.shape[2])
    bias = kernel @ keras.ops.convert_to_numpy(before.bias)  # (step, step, out)
    return joined, bias[0, 0] if (bias == bias[0, 0]).all() else None


def _one_hot(step, rest, channels):
    """The kernel `(step, step, out, in)` of the first part, by `step`, of a shuffle by `step * rest`."""
    i1, j1, i2, j2, c = np.indices((step, step, rest, rest, channels))
    source = ((rest * i1 + i2) * step * rest + rest * j1 + j2) * channels + c
    target = (rest * i2 + j2) * channels + c
    kernel = np.zeros((step, step, rest**2 * channels, step**2 * rest**2 * channels), "float32")
    kernel[i1, j1, target, source] = 1
    return kernel


def _shuffle(layer, forms, shapes):
    return shuffle(layer.factor, shapes[0][-1] // layer.factor**2, forms, layer.name)


def _unshuffle(layer, forms, shapes):
    channels = shapes[0][-1]
    if forms.unshuffle == "operator":
        return (rebuilt(layer),)
    steps, chain = _steps(layer.factor, forms.step), []
    for i in reversed(range(len(steps))):  # the last step of the shuffle first
        step, rest = steps[i], int(np.prod(steps[i + 1 :], dtype=int))
        kernel = _one_hot(step, rest, channels)
        *_, width, filters = kernel.shape
        name = _numbered(layer.name, i, steps)
        convolution = keras.layers.Conv2D(filters, step, strides=step, use_bias=False, name=name)
        convolution.build((None, None, None, width))
        convolution.set_weights([kernel])
        chain.append(convolution)
    return tuple(chain)


def _steps(factor, largest):
    """The factors of the convolutions whose product is `factor`."""
    steps = []
    while factor > largest and factor % largest == 0:
        steps.append(largest)
        factor //= largest
    return [*steps, factor]


def _numbered(name, i, steps):
    return name if len(steps) == 1 else f"{name}_step{i}"


def _gelu(forms, name, approximate=False):
    return OperatorGELU(approximate, name=name) if forms.gelu == "operator" else SigmoidGELU(name=name)


def _ends_apart(layer):
    """Whether a layer ends in an activation that has several forms."""
    return getattr(layer, "activation", None) in (keras.activations.gelu, keras.activations.leaky_relu)


def _activation(layer, forms, shapes):
    if layer.activation is keras.activations.gelu:
        return (_gelu(forms, layer.name),)
    if layer.activation is keras.activations.leaky_relu:
        return _leaky(keras.layers.LeakyReLU(0.2, name=layer.name), forms, shapes)  # the function's own slope
    return (rebuilt(layer),)


def _layer_normalization(layer, forms, shapes):
    axis = [layer.axis] if isinstance(layer.axis, int) else list(layer.axis)
    if axis not in ([-1], [len(shapes[0]) - 1]) or getattr(layer, "rms_scaling", False):
        return None
    new = IntegerLayerNormalization(layer.epsilon, forms.channel_mean, name=layer.name)
    new.build(shapes[0])
    parts = iter(layer.get_weights())
    gamma = next(parts) if layer.scale else np.ones(shapes[0][-1])
    new.set_weights([gamma, next(parts) if layer.center else np.zeros(shapes[0][-1])])
    return (new,)


def _group_normalization(layer, forms, shapes):
    (shape,), channels = shapes, shapes[0][-1]
    if len(shape) != 4 or layer.axis not in (-1, 3):
        return None
    new = IntegerGroupNormalization(channels if layer.groups == -1 else layer.groups, layer.epsilon, name=layer.name)
    new.build(shape)
    parts = iter(layer.get_weights())
    gamma = next(parts) if layer.scale else np.ones(channels, "float32")
    new.set_scales(gamma, next(parts) if layer.center else np.zeros(channels, "float32"))
    return (new,)


def _rms_normalization(layer, forms, shapes):
    if list(np.ravel(layer.axis)) not in ([-1], [len(shapes[0]) - 1]):
        return None
    new = IntegerRMSNormalization(layer.epsilon, forms.channel_mean, name=layer.name)
    new.build(shapes[0])
    new.set_weights([np.ravel(weight) for weight in layer.get_weights()])
    return (new,)


def _average(layer, forms, shapes):
    return (keras.layers.Add(name=f"{layer.name}_sum"), Scaled(1 / len(shapes), name=layer.name))


def _dense_layer(layer, forms, shapes):
    """A dense layer; as a 1x1 convolution where a target knows dense layers with one scale only."""
    shape = shapes[0]
    if forms.dense == "operator" or None in shape[1:] or len(shape) > 4:
        return (rebuilt(layer),)
    kernel, *bias = layer.get_weights()
    config = {"use_bias": layer.use_bias, "activation": layer.activation, "name": layer.name}
    convolution = keras.layers.Conv2D(layer.units, 1, **config)
    convolution.build((None, None, None, kernel.shape[0]))
    convolution.set_weights([kernel[None, None], *bias])
    if len(shape) == 4:
        return (convolution,)
    row = (1,) * (4 - len(shape)) + tuple(shape[1:])
    last = keras.layers.Reshape((*shape[1:-1], layer.units), name=f"{layer.name}_vector")
    return (keras.layers.Reshape(row, name=f"{layer.name}_map"), convolution, last)


def _sequence(layer, forms, shapes):
    chain = []
    shape = shapes[0]
    for part in sequences.on_rows(layer, shape) or ():
        made = legalized(part, forms, (shape,))
        if made is None:
            return None
        chain += made
        shape = part.compute_output_shape(shape)
    return tuple(chain) or None


def _resizing(layer, forms, shapes):
    plain = not (layer.crop_to_aspect_ratio or layer.pad_to_aspect_ratio or layer.antialias)
    if not plain or layer.interpolation not in ("nearest", "bilinear"):
        return None
    _validate_closed(layer, shapes[0])
    return _resized(layer, (layer.height, layer.width), layer.interpolation, forms, shapes[0])


def _center_crop(layer, forms, shapes):
    _validate_closed(layer, shapes[0])
    rest = [have - want for have, want in zip(shapes[0][1:3], (layer.height, layer.width), strict=True)]
    if min(rest) < 0:
        return None
    sides = [(int(by / 2), by - int(by / 2)) for by in rest]
    return (keras.layers.Cropping2D(sides, name=layer.name),)


def _response_normalization(layer, forms, shapes):
    return (_carried(layer, IntegerGlobalResponseNormalization(layer.epsilon, forms.channel_mean, name=layer.name)),)


def _upsampling(layer, forms, shapes):
    if layer.interpolation not in ("nearest", "bilinear"):
        return None
    _validate_closed(layer, shapes[0])
    size = tuple(s * f for s, f in zip(shapes[0][1:3], layer.size, strict=True))
    return _resized(layer, size, layer.interpolation, forms, shapes[0])


def _validate_closed(layer, shape):
    if None in shape[1:]:
        raise ValueError(
            f"A map must have a fixed size to be resized on a device. Received: {shape} at {layer.name}. Pass "
            "input_shape=(1, height, width, channels), or size to convert."
        )


def _resize_like(layer, forms, shapes):
    x, like = shapes
    _validate_closed(layer, x)
    _validate_closed(layer, like)
    return _resized(layer, like[1:3], "bilinear", forms, x)


def _resized(layer, size, interpolation, forms, shape):
    factors = {new / old for new, old in zip(size, shape[1:3], strict=True)}
    factor = int(min(factors))
    whole = len(factors) == 1 and factor in factors
    if forms.resize == "operator" or not whole or factor == 1 or (interpolation, factor) == ("bilinear", 2):
        return (Resizing(size, interpolation, name=layer.name),)
    if interpolation == "nearest":
        return _nearest(factor, shape[1:3], layer.name)
    return _smoothed(factor, shape, layer.name)


def _nearest(factor, size, name):
    """Nearest neighbour upsampling in steps of at most 8."""
    steps, chain = _steps(factor, 8), []
    for i, step in enumerate(steps):
        size = tuple(s * step for s in size)
        chain.append(Resizing(size, "nearest", name=_numbered(name, i, steps)))
    return tuple(chain)


def _smoothed(factor, shape, name):
    """Bilinear upsampling as the mean over a window of `factor` pixels, centred on each, after that to the nearest."""
    channels, size = shape[-1], tuple(s + 2 for s in shape[1:3])
    even = factor % 2 == 0
    window = np.ones(factor + even)
    window[[0, -1]] = 0.5 if even else 1.0  # half of the pixels at the ends, so that an even window has a centre
    window /= factor
    smooth = keras.layers.DepthwiseConv2D(len(window), use_bias=False, name=f"{name}_smooth")
    smooth.build((None, None, None, channels))
    smooth.set_weights([np.broadcast_to(np.outer(window, window)[:, :, None, None], smooth.kernel.shape)])
    crop = keras.layers.Cropping2D(factor - len(window) // 2, name=f"{name}_crop")
    return (EdgePadding(name=f"{name}_edges"), *_nearest(factor, size, f"{name}_nearest"), smooth, crop)


def _transposed_convolution(layer, forms, shapes):
    if isinstance(layer, layers.DilatedTransposedConvolution):
        return (_dilated(layer),)
    whole = layer.kernel_size == layer.strides and len(set(layer.strides)) == 1 and layer.output_padding is None
    if not whole or layer.strides[0] == 1 or forms.upconvolution == "operator" or not is_elementwise(layer):
        return (rebuilt(layer),)
    factor, filters = layer.strides[0], layer.filters
    kernel = keras.ops.convert_to_numpy(layer.kernel)  # (r, r, out, in)
    bias = keras.ops.convert_to_numpy(layer.bias) if layer.use_bias else np.zeros(filters)
    linear = keras.layers.Conv2D(factor**2 * filters, 1, activation=layer.activation, name=f"{layer.name}_convolution")
    kernel = kernel.transpose(3, 0, 1, 2).reshape(1, 1, -1, factor**2 * filters)
    return (with_weights(linear, kernel, np.tile(bias, factor**2)), *shuffle(factor, filters, forms, layer.name))


def _dilated(layer):
    """The convolution that a transposed one of stride 1 is."""
    kernel = keras.ops.convert_to_numpy(layer.kernel)[::-1, ::-1].swapaxes(2, 3)
    config = {"padding": "same", "dilation_rate": layer.dilation_rate, "activation": layer.activation, "name": layer.name}
    convolution = keras.layers.Conv2D(layer.filters, layer.kernel_size, **config)
    return with_weights(convolution, kernel, keras.ops.convert_to_numpy(layer.bias))


def _convolution(layer, forms, shapes):
    """A plain `Conv2D`, whatever it trains as."""
    config = {key: value for key, value in layer.get_config().items() if key != "dtype"}
    kernel = keras.ops.convert_to_numpy(layer.kernel)  # (h, w, in / groups, out)
    if forms.groups == "dense" and layer.groups > 1:
        kernel = _dense(kernel, layer.groups)
        config["groups"] = 1
    copy = keras.layers.Conv2D(**config)
    copy.build(shapes[0])
    copy.set_weights([kernel, *layer.get_weights()[1:]])
    return (copy,)


def _leaky(layer, forms, shapes):
    if forms.leaky == "operator":
        return (rebuilt(layer),)
    new = keras.layers.PReLU(shared_axes=tuple(range(1, len(shapes[0]) - 1)), name=layer.name)
    new.build(shapes[0])
    new.set_weights([np.full(new.alpha.shape, layer.negative_slope)])
    return (new,)


def _rectifier(layer, forms, shapes):
    if layer.negative_slope and layer.max_value is None and not layer.threshold:
        return _leaky(keras.layers.LeakyReLU(layer.negative_slope, name=layer.name), forms, shapes)
    return (rebuilt(layer),)


def _elu(layer, forms, shapes):
    return (keras.layers.Activation("elu", name=layer.name),) if layer.alpha == 1 else None


def _softmax(layer, forms, shapes):
    rank = len(layer.output.shape)
    if layer.axis in (-1, rank - 1):
        return (keras.layers.Softmax(axis=-1, name=layer.name),)
    return (rebuilt(layer),) if rank == len(shapes[0]) else None


def _prelu(layer, forms, shapes):
    alpha = keras.ops.convert_to_numpy(layer.alpha)
    if any(size != 1 for size in alpha.shape[:-1]):
        return (rebuilt(layer),) if len(layer.output.shape) == len(shapes[0]) else None
    new = keras.layers.PReLU(shared_axes=tuple(range(1, len(shapes[0]) - 1)), name=layer.name)
    new.build(shapes[0])
    new.set_weights([alpha.reshape(new.alpha.shape)])
    return (new,)


def _concatenate(layer, forms, shapes):
    rank = len(layer.output.shape)
    if layer.axis % rank == rank - 1:
        return (keras.layers.Concatenate(axis=-1, name=layer.name),)
    return (rebuilt(layer),) if rank == len(shapes[0]) else None


def _basis_attention(layer, forms, shapes):
    grouped = forms.groups == "operator"
    new = IntegerKernelBasisAttention(grouped, name=layer.name)
    new.build(shapes)
    kernels, biases = layer.get_weights()  # (3, 3, 4, K, C)
    if not grouped:
        channels = kernels.shape[-1]
        kernels = kernels.transpose(0, 1, 3, 2, 4)  # (3, 3, K, 4, C)
        kernels = _dense(kernels, channels // kernels.shape[3]).transpose(0, 1, 3, 2, 4)
    new.set_kernels(kernels, biases)
    return (new,)


def _dense(kernel, groups):
    """The kernel `(..., in, out)` of a convolution without groups, from `(..., in / groups, out)`."""
    channels, filters = kernel.shape[-2] * groups, kernel.shape[-1]
    member = np.arange(channels)[:, None] * groups // channels == np.arange(filters) * groups // filters
    return np.concatenate([kernel] * groups, axis=-2) * member


def _carried(layer, replacement):
    if layer.weights:
        replacement.build_from_config(layer.get_build_config())
        replacement.set_weights(layer.get_weights())
    return replacement


TABLE = (
    (layers.GELU, lambda layer, forms, shapes: (_gelu(forms, layer.name),)),
    (keras.layers.Activation, _activation),
    (keras.layers.LayerNormalization, _layer_normalization),
    (keras.layers.GroupNormalization, _group_normalization),
    (keras.layers.RMSNormalization, _rms_normalization),
    (layers.GlobalResponseNormalization, _response_normalization),
    (keras.layers.Average, _average),
    (keras.layers.Dense, _dense_layer),
    (sequences.LAYERS, _sequence),
    (keras.layers.Resizing, _resizing),
    (keras.layers.CenterCrop, _center_crop),
    (layers.PixelShuffle, _shuffle),
    (layers.PixelUnshuffle, _unshuffle),
    (keras.layers.UpSampling2D, _upsampling),
    (layers.ResizeLike, _resize_like),
    (keras.layers.Conv2DTranspose, _transposed_convolution),
    (keras.layers.Conv2D, _convolution),
    (keras.layers.ReLU, _rectifier),
    (keras.layers.ELU, _elu),
    (keras.layers.LeakyReLU, _leaky),
    (keras.layers.PReLU, _prelu),
    (keras.layers.Softmax, _softmax),
    (keras.layers.Concatenate, _concatenate),
    (layers.KernelBasisAttention, _basis_attention),
)
