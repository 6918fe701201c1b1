# SPDX-License-Identifier: Apache-2.0
"""A model and the file that it became, checked to fit each other; the file may be of integers, of floats, or of both."""

import math

import keras
import numpy as np

from keras_unetmm.compare.example import Example
from keras_unetmm.engine.io_quantization import integer_io
from keras_unetmm.graph.expand import expand, static_shape
from keras_unetmm.graph.finite import validate_finite_weights
from keras_unetmm.interpreters.runtime import TFLMError, run
from keras_unetmm.lowering.lowering import lowered
from keras_unetmm.lowering.prepare import prepared
from keras_unetmm.quantization.quantize import is_quantize_aware, plain
from keras_unetmm.tflite_file.entry_points import validate_one_entry_point
from keras_unetmm.tflite_file.graph import load, read
from keras_unetmm.tflite_file.metadata import metadata
from keras_unetmm.tflite_file.operands import Operands
from keras_unetmm.types import FileLike, Size


class Pair:
    """A model and its file, checked to fit each other.

    Args:
        model, file, target, size: as for `compare`.

    Attributes:
        graph: the file's `Graph`.
        content: path or bytes of the file.
        shape: `(1, H, W, C)` or `(1, D, H, W, C)` that the model takes.
        lowered: the `keras.Model` of integer forms; for a file that `convert` did not write, the model laid out.
        names: set of str, of the layers that these stand for.
        numbers: str, what the file computes with: `"int8"`, `"uint8"`, `"int16"`, `"float32"`, `"float16"` for floats with
            weights of 16 bits, or `"hybrid"` for floats with weights of integers.
        scale: float, the step of an output of integers; None for one of floats.
    """

    def __init__(self, model: keras.Model, file: FileLike, target: str = "tflm", size: Size = None) -> None:
        content = load(file)
        validate_one_entry_point(content)
        self.content = integer_io(content)  # what quantises float ends is left out
        self.graph, self.said = read(self.content).main, metadata(file) or {}
        self.kind = self.said.get("output", {}).get("kind", "values")
        if self.kind == "indices":
            raise ValueError(
                "file must give what the metrics and the noise are measured on. Received: one of output_kind='indices', "
                "which gives the numbers of the classes. Convert the model with --output-kind logits to compare it."
            )
        ends = _ends(self.graph)
        model = without_quantisers(model)
        validate_finite_weights(model)
        self.shape = _shape(model, ends[0].shape, size)
        self.model = prepared(model, self.shape, self.kind, self.said.get("mean"), self.said.get("std"))
        if self.said:
            made = lowered(self.model, self.said.get("target", target), self.shape)
            self.lowered, source = made.model, made.source
        else:  # another converter has left its layers as they are
            self.lowered = source = expand(self.model, self.shape)
        self.names = {layer.name for layer in source.operations}
        _validate_fit(self.lowered, ends)
        self.numbers = _numbers(self.graph, ends[1])
        self.scale = ends[1].scales[0] if ends[1].scales else None

    def peak(self, least: float, greatest: float) -> float:
        """Returns the range of the file's output; of one of floats, that of the model's, from least to greatest."""
        if self.scale is None:
            return greatest - least or max(abs(least), abs(greatest))
        return self.scale * (2 ** (8 * self.graph.tensors[self.graph.outputs[0]].element_bytes) - 1)

    def taken(self, example: Example, referred: bool) -> np.ndarray:
        """Returns the image of an example, or says why it cannot be measured."""
        image = np.asarray(example.image)
        if image.shape != self.shape[1:] or image.dtype.kind != "f" or not np.isfinite(image).all():
            raise ValueError(
                f"examples must hold finite float images of the file's size, {self.shape[1:]}. Received: {example.name} of "
                f"shape {image.shape} and type {image.dtype}. Crop it, or convert the model for that size."
            )
        if referred and example.reference is None:
            raise ValueError(f"examples must have references where there are metrics. Received: {example.name} without.")
        return image.astype("float32")

    def in_floats(self, image: np.ndarray) -> np.ndarray:
        """Returns the model's output `(1, ...)` for an image as the file's bytes have it."""
        return keras.ops.convert_to_numpy(self.model(self.as_bytes(image)[None], training=False)).astype("float32")

    def on(self, runtime: str, image: np.ndarray) -> np.ndarray:
        """Returns the file's output for an image as real numbers; that of a volume may be a stack of slices."""
        try:
            return run(self.content, self.reshaped(image), runtime).values[0]
        except TFLMError as error:
            raise TFLMError(f"{error} To compare it all the same, run it on LiteRT: --runtime litert.") from error

    def as_bytes(self, image: np.ndarray) -> np.ndarray:
        """Returns the numbers that an image's bytes stand for, as the file takes it: rounded, and cut where bytes end.

        A file that takes floats takes them as they are.
        """
        tensor = self.graph.tensors[self.graph.inputs[0]]
        if not tensor.scales:
            return image
        limits, scale, point = np.iinfo(tensor.type.lower()), tensor.scales[0], tensor.zero_points[0]
        steps = np.clip(np.round(image / scale) + point, limits.min, limits.max) - point
        return (steps * scale).astype("float32")

    def reshaped(self, image: np.ndarray) -> np.ndarray:
        """The image in the shape of the file's input: that of a volume may be a stack of slices."""
        return image.reshape(self.graph.tensors[self.graph.inputs[0]].shape)

    def probable(self, output: np.ndarray) -> np.ndarray:
        """An output as the metrics take it: a file of logits leaves the probabilities to its user."""
        if self.kind != "logits":
            return output
        make = keras.ops.sigmoid if output.shape[-1] == 1 else keras.ops.softmax
        return keras.ops.convert_to_numpy(make(output))

    def seen(self, output: np.ndarray) -> np.ndarray:
        """A float output as a device could show it: of an image, what is not below black nor above white."""
        return np.clip(output, 0, 1) if self.kind == "image" else output


def without_quantisers(model):
    """Returns the model that the file was made of, in floating point."""
    return plain(model)[0] if is_quantize_aware(model) else model


def _ends(graph):
    """The one input and the one output of a file, each of floats, or of integers that stand for real numbers."""
    for name, indices in (("input", graph.inputs), ("output", graph.outputs)):
        tensors = [graph.tensors[index] for index in indices]
        if len(tensors) != 1:
            raise ValueError(
                f"file must have one {name} to be compared. Received: {len(tensors)}. Convert a model that takes one image "
                "and gives one result."
            )
        if tensors[0].type != "FLOAT32" and ("INT" not in tensors[0].type or len(tensors[0].scales) != 1):
            raise ValueError(
                f"file must have an {name} of float32, or of integers with one scale. Received: one of "
                f"{tensors[0].type.lower()} with {len(tensors[0].scales)} scales. Convert the model with unetmm convert."
            )
    return graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]


def _numbers(graph, output):
    """What the operators of a file compute with, in a word."""
    if output.type != "FLOAT32":
        return output.type.lower()
    read = [
        Operands(graph, op).weights if op.name != "DEQUANTIZE" else graph.tensors[op.inputs[0]] for op in graph.operators
    ]
    types = {tensor.type for tensor in read if tensor is not None}
    return "hybrid" if any("INT" in kind for kind in types) else "float16" if "FLOAT16" in types else "float32"


def _shape(model, taken, size):
    """The shape that the model takes and that makes the file's input; of volumes the size is the model's or the caller's."""
    if len(getattr(model, "inputs", None) or ()) == 1 and len(model.inputs[0].shape) == 4 and len(taken) == 4:
        own, size = model.inputs[0].shape, taken[1:3]
        if taken[0] != 1 or any(have not in (None, want) for have, want in zip(own[1:], taken[1:], strict=True)):
            raise ValueError(_unfit(f"a model that takes {own}, a file that takes {taken}"))
    shape = static_shape(model, size, ranks=(2, 3))
    if math.prod(shape) != math.prod(taken) or shape[-1] != taken[-1]:
        raise ValueError(_unfit(f"a model that takes {shape}, a file that takes {taken}"))
    return shape


def _validate_fit(model, ends):
    for what, ours, theirs in (("takes", model.inputs[0], ends[0]), ("gives", model.outputs[0], ends[1])):
        if tuple(ours.shape) != tuple(theirs.shape):
            raise ValueError(
                _unfit(f"a model that {what} {tuple(ours.shape)} for the file, a file that {what} {theirs.shape}")
            )


def _unfit(received):
    return f"model and file must fit each other. Received: {received}. Pass the model that the file was converted from."
