"""How far a lowered model's layers are from the model's own, measured on images."""

from dataclasses import dataclass

import keras
import numpy as np

from keras_unetmm.tflite.lowering import lowered


@dataclass(frozen=True)
class Difference:
    """A layer that was exchanged, and what that changed.

    Attributes:
        layer: str, its name.
        kind: str, its class.
        becomes: tuple of str, the classes that stand for it; empty if the layer before it has taken it in.
        largest: float, the largest difference of a value of its output; the layers before it are exchanged as well.
        of: float, the largest magnitude of its output.
    """

    layer: str
    kind: str
    becomes: tuple
    largest: float
    of: float


def differences(model, images, target="tflm", **choices):
    """Returns a tuple with a `Difference` for each layer that was exchanged, in the order of the graph, the output last.

    Args:
        model, target, choices: as for `keras_unetmm.tflite.lowering.lower`.
        images: float array `(N, H, W, C)` or `(N, D, H, W, C)`.

    Raises:
        ValueError: those of `lower`.
    """
    made = lowered(model, target, (1, *np.shape(images)[1:]), **choices)
    last = {id(exchange.output[0]): exchange for exchange in made.exchanges}  # of a group that became one layer
    compared = list(last.values())
    ours = keras.Model(made.source.inputs[0], [exchange.layer.output for exchange in compared])
    theirs = keras.Model(made.model.inputs[0], [x for exchange in compared for x in exchange.output])
    largest, of = np.zeros(len(compared)), np.zeros(len(compared))
    for image in np.asarray(images, "float32"):
        want = [keras.ops.convert_to_numpy(y) for y in keras.tree.flatten(ours(image[None], training=False))]
        got = theirs(image.reshape(theirs.inputs[0].shape), training=False)
        got = iter(keras.ops.convert_to_numpy(y) for y in keras.tree.flatten(got))
        for i, exchange in enumerate(compared):
            parts = np.concatenate([next(got) for _ in exchange.output], axis=1)
            largest[i] = max(largest[i], np.abs(parts.reshape(want[i].shape) - want[i]).max())
            of[i] = max(of[i], np.abs(want[i]).max())
    output = made.source.outputs[0]
    return tuple(
        Difference(exchange.layer.name, type(exchange.layer).__name__, exchange.becomes, float(a), float(b))
        for exchange, a, b in zip(compared, largest, of, strict=True)
        if exchange.becomes != (type(exchange.layer).__name__,) or exchange.layer.output is output
    )
