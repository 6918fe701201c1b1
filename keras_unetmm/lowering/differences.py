# SPDX-License-Identifier: Apache-2.0
"""How far a lowered model's layers are from the model's own, measured on images."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_unetmm.graph.nodes import outputs_for
from keras_unetmm.lowering.lowering import lowered
from keras_unetmm.types import Tensor


@dataclass(frozen=True)
class Difference:
    """A layer that was replaced, and what that changed.

    Attributes:
        layer: str, its name.
        kind: str, its class.
        becomes: tuple of str, the classes that stand for it; empty if the layer before it has taken it in.
        largest: float, the largest difference of a value of its output; the layers before it are replaced as well.
        of: float, the largest magnitude of its output.
    """

    layer: str
    kind: str
    becomes: tuple
    largest: float
    of: float


def differences(
    model: keras.Model, images: Tensor | list[Tensor], target: str = "tflm", **choices: Any
) -> tuple[Difference, ...]:
    """Returns a tuple with a `Difference` for each layer that was replaced, in the graph's order, and one for each output.

    Layers that are called several times are not listed.

    Args:
        model, target, choices: as for `keras_unetmm.lowering.lowering.lower`.
        images: float array `(N, H, W, C)` or `(N, D, H, W, C)`, or a list of one for each input.

    Raises:
        ValueError: those of `lower`.
    """
    given = [np.asarray(array, "float32") for array in (images if isinstance(images, list) else [images])]
    shapes = [(1, *array.shape[1:]) for array in given]
    made = lowered(model, target, shapes if len(shapes) > 1 else shapes[0], **choices)
    last = {id(entry.output[0]): entry for entry in made.legalizations}  # of a group that became one layer
    compared = [entry for entry in last.values() if entry.becomes != (type(entry.layer).__name__,)]
    ours = keras.Model(_one_or_all(made.source.inputs), [*(entry.layer.output for entry in compared), *made.source.outputs])
    theirs = [*(entry.output for entry in compared), *((x,) for x in made.model.outputs)]
    flat = keras.Model(_one_or_all(made.model.inputs), [x for group in theirs for x in group])
    largest, of = np.zeros(len(theirs)), np.zeros(len(theirs))
    for sample in zip(*given, strict=True):
        want = _run(ours, [x[None] for x in sample])
        got = iter(_run(flat, [x.reshape(tensor.shape) for x, tensor in zip(sample, flat.inputs, strict=True)]))
        for i, group in enumerate(theirs):
            parts = [next(got) for _ in group]
            joined = np.concatenate(parts, axis=1) if len(parts) > 1 else parts[0]
            largest[i] = max(largest[i], np.abs(joined.reshape(want[i].shape) - want[i]).max())
            of[i] = max(of[i], np.abs(want[i]).max())
    named = [(entry.layer.name, type(entry.layer).__name__, entry.becomes) for entry in compared]
    named += [("output", "Model", ())] * len(made.source.outputs)
    return tuple(Difference(*name, float(a), float(b)) for name, a, b in zip(named, largest, of, strict=True))


def _run(model, arrays):
    return [keras.ops.convert_to_numpy(y) for y in outputs_for(model, arrays)]


def _one_or_all(tensors):
    return tensors if len(tensors) > 1 else tensors[0]
