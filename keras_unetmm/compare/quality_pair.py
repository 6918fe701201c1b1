"""A model and the file that it became, checked to fit each other."""

import math
from typing import Any

import keras
import numpy as np

from keras_unetmm.engine.io_quantization import integer_io
from keras_unetmm.graph.expand import static_shape
from keras_unetmm.graph.finite import validate_finite_weights
from keras_unetmm.interpreters.runtime import run
from keras_unetmm.lowering.lowering import lowered
from keras_unetmm.lowering.prepare import prepared
from keras_unetmm.quantization.quantize import is_quantize_aware, plain
from keras_unetmm.tflite_file.graph import load, read
from keras_unetmm.tflite_file.metadata import metadata
from keras_unetmm.types import Tensor


class Pair:
    """A model and its file, checked to fit each other.

    Args:
        model, file, target, size: as for `compare`.

    Attributes:
        graph: the file's `Graph`.
        content: path or bytes of the file.
        shape: `(1, H, W, C)` or `(1, D, H, W, C)` that the model takes.
        lowered: the `keras.Model` of integer forms.
        names: set of str, of the layers that these stand for.
    """

    def __init__(self, model: Any, file: Any, target: str = "tflm", size: Any = None) -> None:
        self.content = integer_io(load(file))  # what quantises float ends is left out
        self.graph, self.said = read(self.content).main, metadata(file) or {}
        self.kind = self.said.get("output", {}).get("kind", "values")
        if self.kind == "indices":
            raise ValueError(
                "file must give what the metrics and the noise are measured on. Received: one of output_kind='indices', "
                "which gives the numbers of the classes. Convert the model with --output-kind logits to compare it."
            )
        ends = _integer_io(self.graph)
        model = without_quantisers(model)
        validate_finite_weights(model)
        self.shape = _shape(model, ends[0].shape, size)
        self.model = prepared(model, self.shape, self.kind, self.said.get("mean"), self.said.get("std"))
        made = lowered(self.model, self.said.get("target", target), self.shape)
        self.lowered, self.names = made.model, {layer.name for layer in made.source.operations}
        _validate_fit(self.lowered, ends)
        self.scale = ends[1].scales[0]
        self.peak = self.scale * (2 ** (8 * ends[1].element_bytes) - 1)

    def taken(self, example: Any, referred: Any) -> Any:
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

    def in_floats(self, image: Tensor) -> Any:
        """Returns the model's output `(1, ...)` for an image as the file's bytes have it."""
        return keras.ops.convert_to_numpy(self.model(self.as_bytes(image)[None], training=False)).astype("float32")

    def on(self, runtime: Any, image: Tensor) -> Any:
        """Returns the file's output for an image as real numbers; that of a volume may be a stack of slices."""
        return run(self.content, self.reshaped(image), runtime).values[0]

    def as_bytes(self, image: Tensor) -> Any:
        """Returns the numbers that an image's bytes stand for, as the file takes it: rounded, and cut where bytes end."""
        tensor = self.graph.tensors[self.graph.inputs[0]]
        limits, scale, point = np.iinfo(tensor.type.lower()), tensor.scales[0], tensor.zero_points[0]
        steps = np.clip(np.round(image / scale) + point, limits.min, limits.max) - point
        return (steps * scale).astype("float32")

    def reshaped(self, image: Tensor) -> Any:
        """The image in the shape of the file's input: that of a volume may be a stack of slices."""
        return image.reshape(self.graph.tensors[self.graph.inputs[0]].shape)

    def probable(self, output: Any) -> Any:
        """An output as the metrics take it: a file of logits leaves the probabilities to its user."""
        if self.kind != "logits":
            return output
        make = keras.ops.sigmoid if output.shape[-1] == 1 else keras.ops.softmax
        return keras.ops.convert_to_numpy(make(output))

    def seen(self, output: Any) -> float:
        """A float output as a device could show it: of an image, what is not below black nor above white."""
        return np.clip(output, 0, 1) if self.kind == "image" else output


def without_quantisers(model):
    """Returns the model that the file was made of, in floating point."""
    return plain(model)[0] if is_quantize_aware(model) else model


def _integer_io(graph):
    """The one input and the one output of a file, both of integers that stand for real numbers."""
    for name, indices in (("input", graph.inputs), ("output", graph.outputs)):
        tensors = [graph.tensors[index] for index in indices]
        if len(tensors) != 1:
            raise ValueError(f"file must have one {name}. Received: {len(tensors)}. Convert the model with unetmm convert.")
        if "INT" not in tensors[0].type or len(tensors[0].scales) != 1:
            raise ValueError(
                f"file must be one of integers. Received: an {name} of {tensors[0].type.lower()}. Convert the model with "
                "unetmm convert."
            )
    return graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]


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
