# SPDX-License-Identifier: Apache-2.0
"""Whether a file gives, byte for byte, what the quantisation-aware model gives that it was made of.

Convolutions, sums, products and means are integers in both: 32-bit sums, and multipliers of 31 bits that both find from the
same scales. The converter rounds a bias of more than 2**24 steps otherwise than the model, whose biases therefore replace
its own: then the sums are equal.

So are sigmoid, tanh and softmax, as TFLM's kernels find them in fixed point. Where TFLM cannot run the file, LiteRT does,
and finds sigmoid and tanh otherwise. There one allowance is left for layers that are no convolutions: a real number that is
a half, but for what either arithmetic knows of it, may go to either neighbour. The two know it to about 2**-22, that is
256 * 2**-22 = 6e-5 of a byte's step, an estimate: so for one input in 16,000. A byte has 256 inputs, so that few layers have
such an input.
"""

import keras
import numpy as np

from keras_unetmm.conversion.ranges import RangeError
from keras_unetmm.graph.nodes import calls, maker
from keras_unetmm.interpreters.runtime import run
from keras_unetmm.lowering.gates import half_of, whole
from keras_unetmm.quantization.quantized_layers import FakeQuantize, QuantizedConvolution
from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.graph import read
from keras_unetmm.tflite_file.names import layer_of

_MOST = 8  # calibration images that are tried
_BY_CHANCE = 1e-4  # of the values of the first layer that differs, by one step, on LiteRT; of convolutions none
_NEAR = 2.0**-20  # of a bias, or one step, by which the converter rounds it otherwise
_LARGEST_BIAS = 2.0**31 - 128  # that float32 holds below int32's
_BIASES = {"CONV_2D": (0, 1, 2), "DEPTHWISE_CONV_2D": (0, 1, 2), "FULLY_CONNECTED": (0, 1, 2), "TRANSPOSE_CONV": (2, 1, 3)}
_MOST_NOISE = 1  # step, the root of the mean square at the output that such values may grow to


def trials(calibration):
    """Returns the images on which both are run: float32 `(n, ...)`, whole bytes over 255.

    Args:
        calibration: float32 `(n, ...)`, of which up to 8 are taken; if all is one number, random bytes, a ramp, and black
            and white instead.
    """
    if np.ptp(calibration) > 0:
        places = np.linspace(0, len(calibration) - 1, min(len(calibration), _MOST)).astype(int)
        return (np.round(255 * calibration[places]) / 255).astype("float32")
    shape = calibration.shape[1:]
    rng, count = np.random.default_rng(0), int(np.prod(shape))
    made = rng.integers(0, 256, count), np.arange(count) * 255 // max(1, count - 1), 255 * rng.integers(0, 2, count)
    return (np.stack([*made, np.zeros(count, int), np.full(count, 255)]).reshape(-1, *shape) / 255).astype("float32")


def with_trained_biases(content, model, names):
    """Returns a converted file with the biases of its quantisation-aware model, where the converter rounds otherwise.

    Args:
        content, model, names: as for `validate_same_bytes`.
    """
    graph, file, changed = read(content).main, File(content), False
    for operator in graph.operators:
        name = layer_of(graph.tensors[operator.outputs[0]].name, names)
        layer = _convolution(model, name)
        places = _BIASES.get(operator.name, ())
        if layer is None or not places or len(operator.inputs) <= places[2] or operator.inputs[places[2]] < 0:
            continue
        x, weights, bias = (operator.inputs[place] for place in places)
        values = half_of(_array(layer.bias), "" if name == layer.name else name)
        unit = np.float32(graph.tensors[x].scales[0]) * np.array(graph.tensors[weights].scales, "float32")
        if values.shape != unit.shape:
            continue
        steps = values / unit  # in float32, as the model divides
        steps = np.clip(np.sign(steps) * np.floor(np.abs(steps) + np.float32(0.5)), -_LARGEST_BIAS, _LARGEST_BIAS)
        given = graph.tensors[bias].data.view("int32")
        if (steps != given).any() and (np.abs(steps - given) <= np.maximum(1, _NEAR * np.abs(steps))).all():
            file.main.tensors[bias].buffer, changed = file.add_buffer(steps.astype("int32")), True
    if changed:
        file.prune()
    return file.packed() if changed else content


def _convolution(model, name):
    """The layer with that name, or of which that is a half, if it is a convolution with a bias; or None."""
    known = {layer.name: layer for layer in model.layers if isinstance(layer, QuantizedConvolution) and layer.use_bias}
    return None if name is None else known.get(name, known.get(whole(name)))


def validate_same_bytes(content, model, images, names, runtime="tflm"):
    """Raises a `RangeError` if a file gives other bytes than its quantisation-aware model.

    Args:
        content: bytes of the file.
        model: from `keras_unetmm.quantization.quantize.quantize_aware`.
        images: what `trials` returns.
        names: sequence of str, the layers of the model that was converted, whose tensors have their names.
        runtime: str, on what the file is run.
    """
    graph = read(content).main
    number = graph.outputs[0]
    for image in images:
        want = _array(model(image[None], training=False))
        (got,) = _outputs(content, graph, image, runtime)
        output = _apart(graph.tensors[number], got, want)
        if output.any():
            first = _first(content, graph, model, image, names, runtime)
            layer, apart, most = first or ("its output", output, _BY_CHANCE)
            chance = most > 0 and runtime != "tflm" and np.max(apart) <= 1 and np.sum(apart) <= max(1, most * apart.size)
            if chance and np.mean(output**2) > _MOST_NOISE**2:
                chance, layer, apart = False, f"its output, behind {layer}", output
            if not chance:
                raise RangeError(
                    f"The file must give what the quantisation-aware model gives. Received: {layer}, where "
                    f"{np.mean(apart > 0):.2%} of the values differ, by up to {np.max(apart):.0f} steps of 255. Use another "
                    "layer or activation there, or convert the model that was given to quantize_aware."
                )


def _first(content, graph, model, image, names, runtime):
    """The first layer whose bytes differ, by how many steps, and which share may; None if no tensor has a layer's name."""
    taps = {}
    for layer in (layer for layer in model.layers if isinstance(layer, FakeQuantize)):
        for node in calls(layer):
            source = maker(node.input_tensors[0])
            taps[source.name] = source, node.output_tensors[0]
    found = {}
    for operator in graph.operators:
        for number in operator.outputs:
            name = layer_of(graph.tensors[number].name, names)
            if name is not None and operator.name != "QUANTIZE" and (name in taps or whole(name) in taps):
                found[name] = number  # of several operators, the last
    if not found:
        return None
    of = {name: taps[name if name in taps else whole(name)] for name in found}
    values = keras.Model(model.inputs, [tensor for _, tensor in of.values()])([image[None]], training=False)
    got = _outputs(_giving(content, list(found.values())), graph, image, runtime)
    for name, number, value, bytes_ in zip(found, found.values(), values, got, strict=True):
        apart = _apart(graph.tensors[number], bytes_, _array(value) if name in taps else half_of(_array(value), name))
        if apart.any():
            layer = of[name][0]
            most = 0 if isinstance(layer, QuantizedConvolution) else _BY_CHANCE
            return f"{name}, a {type(layer).__name__.removeprefix('Quantized')}", apart, most
    return None


def _apart(tensor, got, want):
    """By how many steps bytes and numbers differ."""
    want = np.round(want.astype("float64") / tensor.scales[0]) + tensor.zero_points[0]
    limits = np.iinfo(got.dtype)
    return np.abs(got.astype("int64").ravel() - np.clip(want, limits.min, limits.max).ravel())


def _outputs(content, graph, image, runtime):
    return run(content, image.reshape(graph.tensors[graph.inputs[0]].shape), runtime).outputs


def _giving(content, numbers):
    file = File(content)
    file.main.outputs = np.array(numbers, "int32")
    file.model.signatureDefs = None
    return file.packed()


def _array(x):
    return keras.ops.convert_to_numpy(x)
