# SPDX-License-Identifier: Apache-2.0
"""How far every layer of a file is from the same layer in floats, measured on images."""

import math
from dataclasses import dataclass

import keras
import numpy as np

from keras_unetmm.graph.nodes import calls
from keras_unetmm.interpreters.runtime import trace
from keras_unetmm.tflite_file.names import layer_of


@dataclass(frozen=True)
class LayerNoise:
    """How far a layer's output in the file is from that in floats; the layers before it add to it.

    Attributes:
        layer: str, its name in the lowered model.
        kind: str, its class.
        sqnr_db: float, `10 log10(sum(x**2) / sum((x - y)**2))` of floats x and dequantised y over all values of the images;
            infinite if they are equal.
        largest: float, the largest difference of a value.
        of: float, the largest magnitude in floats.
    """

    layer: str
    kind: str
    sqnr_db: float
    largest: float
    of: float


class Layers:
    """The noise of a pair's layers, summed over images."""

    def __init__(self, pair):
        self.pair = pair
        layers = _tensors_of_layers(pair.graph, pair.lowered, pair.names)
        self.indices = [*(index for _, index in layers), pair.graph.outputs[0]]
        self.names = [*((layer.name, type(layer).__name__) for layer, _ in layers), ("output", "Model")]
        self.floats = keras.Model(pair.lowered.inputs[0], [*(layer.output for layer, _ in layers), pair.lowered.outputs[0]])
        self.signal, self.noise, self.largest, self.of = np.zeros((4, len(self.names)))

    def add(self, image):
        """Adds what an image makes of them; both are given its bytes, for the noise is to be that of the layers alone."""
        image = self.pair.reshaped(self.pair.as_bytes(image))
        want = keras.tree.flatten(self.floats(image, training=False))
        (got,) = trace(self.pair.content, [image], self.indices)
        for i, (index, x) in enumerate(zip(self.indices, want, strict=True)):
            x = keras.ops.convert_to_numpy(x).astype("float64")  # noqa: PLW2901
            x = self.pair.seen(x) if index == self.pair.graph.outputs[0] else x  # noqa: PLW2901
            made = as_shaped(got[index], x.shape, f"tensor {index}")
            apart = np.abs(x.ravel() - _real(made, self.pair.graph.tensors[index]).ravel())
            self.signal[i] += (x**2).sum()
            self.noise[i] += (apart**2).sum()
            self.largest[i] = max(self.largest[i], apart.max())
            self.of[i] = max(self.of[i], np.abs(x).max())

    def noises(self):
        """Returns a tuple of `LayerNoise`."""
        rows = zip(self.names, self.signal, self.noise, self.largest, self.of, strict=True)
        return tuple(
            LayerNoise(*name, decibels(signal, noise), float(largest), float(of))
            for name, signal, noise, largest, of in rows
        )


def as_shaped(made, shape, what):
    """Returns what a file made in the model's shape.

    Raises:
        ValueError: if it has not as many values: the file's shapes are not those that it computes.
    """
    if made.size != math.prod(shape):
        raise ValueError(
            f"file must compute what its shapes say, {tuple(shape)} for {what}. Received: {made.shape} when it ran. Convert "
            "the model again, for a fixed size."
        )
    return made.reshape(shape)


def decibels(signal, noise):
    """Returns `10 log10(signal / noise)` of two sums of squares; infinite without noise."""
    if not noise:
        return math.inf
    return 10 * math.log10(signal / noise) if signal else -math.inf


def _tensors_of_layers(graph, model, sources):
    """Pairs of a layer of the lowered model and the index of its tensor, in the order of the graph, without the output."""
    names = [layer.name for layer in model.operations]  # of all: a tensor may be that of one that is not measured
    layers = {layer.name: layer for layer in model.operations if _is_measured(layer, sources)}
    found = {}
    for operator in graph.operators:
        for index in operator.outputs:
            name = layer_of(graph.tensors[index].name, names) if index >= 0 else None
            if name in layers and _is_real(graph.tensors[index]) and index not in graph.outputs:
                found[name] = index  # the last one
    alike = {n: i for n, i in found.items() if _inner(layers[n].output.shape) == _inner(graph.tensors[i].shape)}
    return [(layers[name], alike[name]) for name in layers if name in alike]


def _is_measured(layer, sources):
    """Whether a layer is called once, as not on each slice of a volume, has one output, and a name that stays.

    What the lowering adds without a name, `concatenate_7`, is numbered again each time.
    """
    nodes = calls(layer)
    if not isinstance(layer, keras.layers.Layer) or not len(nodes) == 1 == len(nodes[0].outputs):
        return False
    rests = [layer.name.removeprefix(f"{name}_") for name in sources if layer.name.startswith(f"{name}_")]
    return layer.name in sources or any(not rest.isdigit() for rest in rests)


def _inner(shape):
    return tuple(size for size in shape if size != 1)


def _is_real(tensor):
    """Whether a tensor's values stand for real numbers."""
    return bool(tensor.scales) or tensor.type == "FLOAT32"


def _real(array, tensor):
    if not tensor.scales:
        return array.astype("float64")
    return (array.astype("float64") - tensor.zero_points[0]) * tensor.scales[0]
