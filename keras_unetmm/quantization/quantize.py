# SPDX-License-Identifier: Apache-2.0
"""Quantisation-aware training: a model that computes as its int8 file will, and goes on training.

The model is laid out into the operators of the file, with normalizations folded into the convolutions, and every map that
the file holds is rounded to a byte. `keras_unetmm.conversion.convert.convert` gives the file the ranges that were trained.
Written from Jacob et al. (arXiv 1712.05877) and Krishnamoorthi (arXiv 1806.08342), section 3.2.
One file although it is long: one walk over the model, and what it has to remember on the way.
"""

from typing import Any

import keras
import numpy as np

from keras_unetmm.deprecation import renamed
from keras_unetmm.graph.expand import expand, static_shape
from keras_unetmm.graph.finite import validate_finite_weights, validate_float_weights
from keras_unetmm.graph.names import free_name
from keras_unetmm.graph.nodes import calls, followers, maker, operations_read, tensors_read
from keras_unetmm.graph.own_functions import validate_no_own_functions
from keras_unetmm.graph.selected import without_unselected
from keras_unetmm.layers import SimpleGate
from keras_unetmm.lowering.clips_first import clips_first
from keras_unetmm.lowering.gates import whole
from keras_unetmm.lowering.integer_layers import Resizing
from keras_unetmm.lowering.lowering import lowered
from keras_unetmm.lowering.operator_layers import ChannelMean, Scaled, Shifted
from keras_unetmm.lowering.operators import operators_of
from keras_unetmm.lowering.prepare import asked_of, kind_of, prepared
from keras_unetmm.lowering.scales import (
    BYTES,
    CLIPS,
    EXACT,
    INPUT,
    PROBABILITIES,
    QuantizationPoints,
    activation,
    is_exact,
    is_joined,
    moves,
)
from keras_unetmm.quantization.calibration import calibration_images
from keras_unetmm.quantization.histograms import Histogram
from keras_unetmm.quantization.measured_ranges import measured_ranges
from keras_unetmm.quantization.quantized_layers import (
    FUNCTIONS,
    QUANTIZED,
    SCALED,
    FakeQuantize,
    MeanUnit,
    QuantizedActivation,
    QuantizedConvolution,
    QuantizedMean,
    QuantizedShifted,
    QuantizedSoftmax,
    weight_scales,
)
from keras_unetmm.types import Calibration, PerChannel, Size

RANGES = ("learned", "average", "fixed")
_SUFFIX = "_range"
_NEXT_TO_NOTHING = 1e-15  # a sum with which changes no byte
_GIVING_STEPS = (QuantizedActivation, QuantizedSoftmax)  # of the bytes that their kernels prescribe
_CLIPPED = {"relu": (0.0, None), "relu6": (0.0, 6.0), "hard_tanh": (-1.0, 1.0)}  # where kernels of convolutions end


def quantize_aware(
    model: keras.Model,
    calibration: Calibration,
    target: str = "tflm",
    size: Size = None,
    output_kind: str = "auto",
    mean: PerChannel = None,
    std: PerChannel = None,
    ranges: str = "learned",
    *,
    output: str | None = None,
    **choices: Any,
) -> keras.Model:
    """Returns a model that computes as its int8 file will, ready for `compile` and `fit`.

    Start from trained weights: normalizations have become part of the convolutions, with the statistics they had. The model
    takes images with values in [0, 1], rounds them to bytes, and every map after them. Convert it as any other model;
    calibration images are not needed then, for the file gets the ranges of this model.

    Args:
        model, target, mean, std, **choices: as for `keras_unetmm.conversion.convert.convert`.
        calibration: as there; the ranges start from these images.
        size: `(height, width)` in pixels or `(depth, height, width)`. By default the model's own; if that is open, this
            model is open as well, and `calibration` must be an iterable.
        output_kind: as for `convert`, and `"auto"` by the same rule; `"indices"` gives the scores of which the file gives
            the number.
        ranges: `"learned"`, trained with the weights; `"average"`, a moving average of what each batch has; or `"fixed"`.
        output: old name of `output_kind`.

    Returns:
        A functional `keras.Model`.

    Raises:
        ValueError: those of `convert`, for a layer that is called several times, and for an activation whose bytes are not
            known to the last.

    Examples:
        >>> model = models.UNet(channels=4, levels=2, input_shape=(32, 32, 3))
        >>> quantize.is_quantize_aware(quantize.quantize_aware(model, list(np.random.default_rng(0).random((4, 32, 32, 3)))))
        True
    """
    if ranges not in RANGES:
        raise ValueError(f"ranges must be one of {', '.join(map(repr, RANGES))}. Received: {ranges!r}.")
    asked = renamed("output", output, "output_kind", output_kind, "auto")
    graph, output = operators(model, target, size, asked, mean, std, **choices)
    images = _images(calibration, graph)
    if asked == "auto" and output == "image" and not _gives_images(graph, images):
        output = "values"
    points = QuantizationPoints(graph, output)
    made = _rounded(graph, points, ranges)
    measured = measured_ranges(graph, points, images)
    for layer in made.layers:
        if isinstance(layer, FakeQuantize) and layer.fixed is None:
            layer.set_limits(*measured[layer.name.removesuffix(_SUFFIX)])
    return made


def operators(model, target="tflm", size=None, output="auto", mean=None, std=None, **choices):
    """Returns the float `keras.Model` of the file's operators, a layer each, and what its output is.

    Arguments and errors are those of `quantize_aware`.
    """
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ValueError(
            "quantize_aware takes a model of one input and one output. Received: "
            f"{len(model.inputs)} inputs and {len(model.outputs)} outputs. Convert the model without it, or train a part."
        )
    validate_float_weights(model)
    validate_finite_weights(model)
    validate_no_own_functions(model)
    model = without_unselected(model)
    (output,) = asked_of(model, output)
    shape = (None, *model.inputs[0].shape[1:])
    if size is not None:
        shape = static_shape(model, size, ranks=(0, 1, 2, 3))
    source = prepared(model, shape, output, mean, std)
    choices = {"gate": "split", **choices}  # halves come with the size of the device
    made = lowered(source, target, shape, slices=False, **choices)  # and so do slices
    for layer in made.model.operations:
        if not isinstance(layer, keras.layers.Layer):
            raise ValueError(
                "A quantisation-aware model is made of layers, which hold the ranges. Received: a model that calls "
                f"keras.ops or an operator, {layer.name}. Use keras.layers.Add, Multiply and the like instead."
            )
        if len(calls(layer)) > 1:
            raise ValueError(
                f"quantize_aware gives each layer one range. Received: {layer.name}, which is called "
                f"{len(calls(layer))} times. Make a layer for each call."
            )
    graph = clips_first(operators_of(expand(made.model)))
    for layer in graph.layers:
        if layer.name.endswith(_SUFFIX):  # which says that a layer rounds
            layer.name = free_name(f"{layer.name}_", {other.name for other in graph.layers})
    for layer in graph.layers:
        if not is_exact(layer):
            raise ValueError(
                "A quantisation-aware model computes what its file will compute, byte by byte, with the activations "
                f"{', '.join(EXACT)}, leaky_relu, silu, gelu, and layers for these. Received: {_described(layer)}. Use "
                "one of those in its place, or convert the model without quantize_aware."
            )
        if target == "tflm" and _is_alone(layer):
            raise ValueError(
                "TFLM knows hard_tanh only within the convolution, sum or product before it. Received: "
                f"{_described(layer)}, behind {operations_read(layer)[0].name}. Use tanh there, or leave it out."
            )
    return graph, kind_of(made.source) if output == "auto" else output


def is_quantize_aware(model: keras.Model) -> bool:
    """Whether a model comes from `quantize_aware`.

    Examples:
        >>> quantize.is_quantize_aware(models.UNet(channels=4, levels=2))
        False
    """
    return any(isinstance(layer, FakeQuantize) for layer in model.layers)


def output_of(model, kind):
    """Returns what the output of a model of `quantize_aware` is.

    Args:
        model: the model.
        kind: str, what it is as far as its layers say.
    """
    layer = maker(model.outputs[0])
    while not isinstance(layer, FakeQuantize):  # which the last layers only move
        layer = operations_read(layer)[0]
    if kind == "probabilities":
        return kind
    bounded = kind == "image" and layer.fixed == PROBABILITIES  # by a sigmoid, behind which bytes are only moved
    return "image" if layer.fixed == BYTES or bounded else "values"


def plain(model: keras.Model) -> tuple[keras.Model, dict[str, tuple[float, float]]]:
    """Returns the model without its rounding, and the range of what each layer gives, `{name: (low, high)}`.

    Args:
        model: from `quantize_aware`.

    Examples:
        >>> model = models.UNet(channels=4, levels=2, input_shape=(32, 32, 3))
        >>> aware = quantize.quantize_aware(model, list(np.random.default_rng(0).random((4, 32, 32, 3))))
        >>> floats, ranges = quantize.plain(aware)
        >>> quantize.is_quantize_aware(floats)
        False
    """
    exact = {quantized: kind for kind, quantized in QUANTIZED.items()}

    def call(layer, *args, **kwargs):
        if isinstance(layer, FakeQuantize):
            return args[0], args[0]  # no scale
        if isinstance(layer, MeanUnit):
            return args[0]
        if layer.name not in scaled:
            return layer(*args, **kwargs)
        y = layer(args[0][0])
        return [y] * scaled[layer.name]  # nothing to round by

    scaled = {layer.name: len(layer.output) for layer in model.layers if isinstance(layer, SCALED)}
    graph = keras.models.clone_model(model, clone_function=lambda layer: _copied(layer, exact), call_function=call)
    for layer in model.layers:
        if isinstance(layer, QuantizedConvolution):
            graph.get_layer(layer.name).set_weights([layer.whole_kernel(), *layer.get_weights()[1:]])
    for layer in graph.layers:
        if isinstance(layer, (Scaled, Shifted)):
            _keep_in_file(layer)
    ranges = {}
    for layer in model.layers:  # in the order in which they run
        reads = [source.name for source in operations_read(layer)]
        if isinstance(layer, FakeQuantize):
            ranges[layer.name] = layer.limits
            ranges.update((name, layer.limits) for name in reads if name not in ranges)
            for source in operations_read(layer):
                if _only_requantized(source):  # the file's input has the range behind it
                    ranges[operations_read(source)[0].name] = layer.limits
        elif moves(layer):
            ranges[layer.name] = ranges[reads[0]]
    ranges = {name: limits for name, limits in ranges.items() if not name.endswith(_SUFFIX)}
    return graph, {**_of_equal_products(model, ranges), **ranges}


def _only_requantized(layer):
    """Whether a layer rounds the network's input, and all that reads it rounds again."""
    if not isinstance(layer, FakeQuantize) or not isinstance(operations_read(layer)[0], keras.layers.InputLayer):
        return False
    return all(isinstance(follower, FakeQuantize) for follower in followers(layer))


def _keep_in_file(layer):
    """Changes a constant of 1 or 0, at which the converter leaves the operator out, by less than a byte tells."""
    if layer.by is not None:
        return
    (constant,) = layer.get_weights()
    nothing = float(isinstance(layer, Scaled))
    if (constant == nothing).all():
        constant[0] = np.nextafter(constant[0], constant[0] - 1) if nothing else _NEXT_TO_NOTHING
        layer.set_weights([constant])


def renewed(model):
    """Returns a model of `quantize_aware` in the arithmetic of this version, if an earlier one saved it.

    Args:
        model: from `quantize_aware`, of whatever version.
    """
    old = any(type(layer) in QUANTIZED and _has_integers(layer) for layer in model.layers)
    if not old and all(map(_gives_sums, model.layers)):
        return model
    graph, ranges = plain(model)
    made = _rounded(graph, QuantizationPoints(graph, output_of(model, kind_of(graph))), "fixed")
    known = {layer.name: layer for layer in model.layers if isinstance(layer, FakeQuantize)}
    for layer in made.layers:
        if isinstance(layer, FakeQuantize) and layer.fixed is None:
            trained = known.get(layer.name)  # whose scale keeps its last bit; that of limits may lose it
            limits = ranges[layer.name.removesuffix(_SUFFIX)]
            layer.set_limits(*(limits if trained is None else trained.trained_range()))
    return made


def _gives_sums(layer):
    """Whether the sums of a convolution are read: earlier versions had none."""
    if not isinstance(layer, QuantizedConvolution):
        return True
    sums = layer.output[3]
    return any(sums is tensor for follower in followers(layer) for tensor in tensors_read(follower))


def _of_equal_products(model, ranges):
    """The ranges of products that only a clip reads and that have equals: the file has one product, by either name."""
    factors = {
        layer.name: tuple(id(x) for x in tensors_read(layer))
        for layer in model.layers
        if isinstance(layer, keras.layers.Multiply)
    }
    known = {factors[name]: limits for name, limits in ranges.items() if name in factors}
    return {name: known[reads] for name, reads in factors.items() if name not in ranges and reads in known}


def ranges_and_kernels(made, ranges):
    """Returns the ranges of the layers of a lowered model, in the order of its graph, and what its slices know of kernels.

    The latter is `(scales, biases)`, a list of float a channel of the output each, by the layer's name. Some slices of a
    volume know a part of the kernel only, whose scales are those of the whole.

    Args:
        made: `keras_unetmm.lowering.lowering.Lowered`.
        ranges: `{name: (low, high)}` of its source, from `plain`.
    """
    of, kernels = {layer.name: layer.name for layer in made.source.layers}, {}
    if len(made.source.inputs[0].shape) == 5:
        for layer in made.model.layers:
            layer.name = f"{layer.name}_"  # TensorFlow gives conv_1 to the second call of conv, too
        for entry in made.legalizations:
            for x in entry.output:
                name = maker(x).name
                of.setdefault(name, entry.layer.name)
                if isinstance(entry.layer, (keras.layers.Conv3D, keras.layers.Conv3DTranspose)):
                    kernel, *bias = entry.layer.get_weights()
                    steps = weight_scales(kernel, QUANTIZED[type(entry.layer)].axes)
                    steps = keras.ops.convert_to_numpy(steps).ravel()
                    kernels[name] = steps.tolist(), bias[0].tolist() if bias else [0.0] * len(steps)
    names = [(layer.name, of.get(layer.name, whole(layer.name))) for layer in made.model.layers]
    joined = ranges.get(maker(made.source.inputs[0]).name, BYTES)
    first = {} if np.allclose(joined, BYTES, atol=1e-6) else {INPUT: joined}
    return {**first, **{name: ranges[layer] for name, layer in names if layer in ranges}}, kernels


def _rounded(graph, points, ranges):
    """The model of a graph of operators with a `FakeQuantize` for each range, called wherever it holds."""
    quantizers = {}

    def quantizer(leader):
        if leader not in quantizers:
            fixed = points.fixed.get(leader)
            exact = fixed == PROBABILITIES and leader == points.output
            quantizers[leader] = FakeQuantize(fixed, ranges, exact_training=exact, name=f"{leader}{_SUFFIX}")
        return quantizers[leader]

    scales = {}  # of each range, a tensor of the new graph
    held = {}  # the leader of each tensor of the new graph, by its id, and the tensor
    requantised = {}  # the leader of the join that all who read a tensor have it from, by the tensor's id
    pending = {}  # what is not rounded yet, and how it will be, by the tensor's id

    def rounded(x, leader, how):
        y, scales[leader] = quantizer(leader)(x, **how)
        held[id(y)] = (leader, y)
        return y

    def scale_of(x):
        return scales[held[id(x)][0]]

    image = keras.Input(batch_shape=graph.inputs[0].shape, name=maker(graph.inputs[0]).name, dtype="float32")
    bytes_in, leader = rounded(image, points.given, {}), points.leader(maker(graph.inputs[0]))
    if leader != points.given:
        bytes_in = rounded(bytes_in, leader, {"factors": [scale_of(bytes_in)]})

    def call(layer, *args, **kwargs):
        leader = points.leader(layer)

        def read(x):
            x = bytes_in if x is image else x
            if id(x) in requantised:
                return rounded(x, requantised[id(x)], {"factors": [scale_of(x)]})
            other = moves(layer) and id(x) in held and held[id(x)][0] != leader
            return rounded(x, leader, {"factors": [scale_of(x)]}) if other else x  # a layer that moves bytes knows one range

        args = keras.tree.map_structure(read, args)
        tensors = [x for x in keras.tree.flatten(args) if isinstance(x, keras.KerasTensor)]
        if isinstance(layer, SCALED):
            made, *parts = layer([tensors[0], scale_of(tensors[0])])
            how = {_parts_of(layer): parts[0] if isinstance(layer, _GIVING_STEPS) else parts}
            if isinstance(layer, QuantizedConvolution):
                *factors, sums = parts
                how = {"factors": factors, "sums": sums, "clip": _CLIPPED.get(activation(layer))}
        else:
            made = layer(*args, **kwargs)
            how = pending[id(tensors[0])][1] if id(tensors[0]) in pending else _kernel(layer, tensors, scale_of)
            if id(tensors[0]) in pending and activation(layer) in _CLIPPED:  # which the converter joins with what is before
                how = {**how, "clip": _CLIPPED[activation(layer)]}
        if points.rounds(layer):
            made = rounded(made, leader, how)
            if points.requantised(layer) is not None:
                requantised[id(made)] = points.requantised(layer)
            return made
        for x in keras.tree.flatten(made):
            if moves(layer):
                held[id(x)] = (leader, x)
            else:
                pending[id(x)] = (x, how)
        return made

    return keras.models.clone_model(
        graph, input_tensors=image, clone_function=lambda layer: _copied(layer, QUANTIZED), call_function=call
    )


def _parts_of(layer):
    """What the parts of a layer that reads a scale are to `FakeQuantize`."""
    kinds = {QuantizedShifted: "addends", QuantizedMean: "mean", _GIVING_STEPS: "steps"}
    return next((name for kind, name in kinds.items() if isinstance(layer, kind)), "factors")


def _kernel(layer, tensors, scale_of):
    """What `FakeQuantize` has to know of the kernel of a layer to round as that does."""
    if isinstance(layer, SimpleGate):
        return {"factors": [scale_of(tensors[0])] * 2}
    if isinstance(layer, keras.layers.Multiply):
        return {"factors": [scale_of(x) for x in tensors]}
    if isinstance(layer, (keras.layers.Add, keras.layers.Subtract)):
        first, second = tensors
        addends = [first, scale_of(first), second, scale_of(second)]
        return {"addends": addends, "minus": isinstance(layer, keras.layers.Subtract)}
    if activation(layer) in CLIPS:
        return {"factors": [scale_of(tensors[0])], "clip": _CLIPPED[activation(layer)]}
    if isinstance(layer, ChannelMean):  # a convolution, whose weights are all the largest of their channel
        return {"factors": [scale_of(tensors[0]), 1 / (127 * tensors[0].shape[-1])]}
    return {}


def _copied(layer, kinds):
    """A copy of a layer with its weights, of the class that stands for its own."""
    kind = kinds.get(type(layer), type(layer))
    if kinds is QUANTIZED and not _has_integers(layer):
        kind = type(layer)
    copy = kind.from_config(layer.get_config())
    if isinstance(layer, keras.layers.Layer) and layer.built and layer.weights:
        shape = layer.get_build_config().get("input_shape")
        one = isinstance(copy, SCALED), isinstance(layer, SCALED)
        if one == (True, False):
            shape = (shape, ())
        if one == (False, True):
            shape = shape[0]
        copy.build(shape)
        copy.set_weights(layer.get_weights())
    return copy


def _is_alone(layer):
    """Whether a layer is a hard_tanh that the converter joins with nothing."""
    if not isinstance(layer, keras.layers.Activation) or activation(layer) != "hard_tanh":
        return False
    source = operations_read(layer)[0]
    return not is_joined(source, followers(source))


def _described(layer):
    name = getattr(getattr(layer, "activation", None), "__name__", None)
    return f"{layer.name}, a {type(layer).__name__}" + (f" with the activation {name}" if name else "")


def _has_integers(layer):
    """Whether a layer of a class in `QUANTIZED` is the operator whose integers are known there."""
    if isinstance(layer, keras.layers.Softmax):
        return layer.axis in (-1, len(layer.output.shape) - 1)
    if isinstance(layer, keras.layers.Activation):
        return activation(layer) in FUNCTIONS
    if isinstance(layer, Resizing):
        return layer.interpolation == "bilinear"
    return not isinstance(layer, ChannelMean) or layer.form != "convolution" or len(layer.input.shape) != 4


def _gives_images(graph, images):
    found = Histogram()
    for image in images:
        found.add(keras.ops.convert_to_numpy(graph(image[None], training=False)))
    return found.is_image()


def _images(calibration, graph):
    shape = graph.inputs[0].shape
    if None in shape[1:] and hasattr(calibration, "__iter__") and not isinstance(calibration, str):
        calibration = list(calibration)
        first = np.shape(calibration[0]) if calibration else ()
        shape = (1, *(first[1:] if len(first) == len(shape) else first))
    elif None in shape[1:]:
        raise ValueError(
            "A model of open size needs size, or calibration as an iterable of arrays. Received: "
            f"calibration={calibration!r} and a model input of {shape}."
        )
    return calibration_images(calibration, (1, *shape[1:]))
