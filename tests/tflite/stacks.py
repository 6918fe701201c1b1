"""Small models around the layers that a test is about, and what lowering changes of them."""

import keras
import numpy as np
from checks import randomize

from keras_unetmm.lowering.lowering import lower


def stack(shape, *layers):
    """The layers one behind the other, on an input of that shape."""
    return randomize(keras.Sequential([keras.Input(shape), *layers]))


def graph(shape, build):
    """What a function makes of an input of that shape."""
    inputs = keras.Input(shape)
    return randomize(keras.Model(inputs, build(inputs)))


def difference(model, target="tflm", **choices):
    """The largest difference of the lowered model's output, and that model."""
    shape = (1, *model.inputs[0].shape[1:])
    x = np.random.default_rng(1).normal(size=shape).astype("float32")
    changed = lower(model, target, shape, **choices)
    before = keras.ops.convert_to_numpy(model(x, training=False))
    after = keras.ops.convert_to_numpy(changed(x.reshape(changed.inputs[0].shape), training=False))
    if before.ndim == 5:  # which some targets get as one image
        after = after.reshape(before.shape)
    assert before.shape == after.shape
    return np.abs(before - after).max(), changed
