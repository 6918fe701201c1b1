"""How far a lowered model's layers are from the model's own, measured on images."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

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


def differences(model: Any, images: Tensor, target: str = "tflm", **choices: Any) -> tuple[Any, ...]:
    """Returns a tuple with a `Difference` for each layer that was replaced, in the graph's order, and one for the output.

    Layers that are called several times are not listed.

    Args:
        model, target, choices: as for `keras_unetmm.lowering.lowering.lower`.
        images: float array `(N, H, W, C)` or `(N, D, H, W, C)`.

    Raises:
        ValueError: those of `lower`.
    """
    made = lowered(model, target, (1, *np.shape(images)[1:]), **choices)
    last = {id(entry.output[0]): entry for entry in made.legalizations}  # of a group that became one layer
    compared = [entry for entry in last.values() if entry.becomes != (type(entry.layer).__name__,)]
    ours = keras.Model(made.source.inputs[0], [*(entry.layer.output for entry in compared), made.source.outputs[0]])
    theirs = [*(entry.output for entry in compared), (made.model.outputs[0],)]
    flat = keras.Model(made.model.inputs[0], [x for group in theirs for x in group])
    largest, of = np.zeros(len(theirs)), np.zeros(len(theirs))
    for image in np.asarray(images, "float32"):
        want = [keras.ops.convert_to_numpy(y) for y in keras.tree.flatten(ours(image[None], training=False))]
        got = keras.tree.flatten(flat(image.reshape(flat.inputs[0].shape), training=False))
        got = iter([keras.ops.convert_to_numpy(y) for y in got])
        for i, group in enumerate(theirs):
            parts = [next(got) for _ in group]
            joined = np.concatenate(parts, axis=1) if len(parts) > 1 else parts[0]
            largest[i] = max(largest[i], np.abs(joined.reshape(want[i].shape) - want[i]).max())
            of[i] = max(of[i], np.abs(want[i]).max())
    named = [(entry.layer.name, type(entry.layer).__name__, entry.becomes) for entry in compared]
    named.append(("output", "Model", ()))
    return tuple(Difference(*name, float(a), float(b)) for name, a, b in zip(named, largest, of, strict=True))
