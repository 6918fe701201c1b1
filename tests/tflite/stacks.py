"""Small models around the layers that a test is about."""

import keras
from checks import randomize


def stack(shape, *layers):
    """The layers one behind the other, on an input of that shape."""
    return randomize(keras.Sequential([keras.Input(shape), *layers]))


def graph(shape, build):
    """What a function makes of an input of that shape."""
    inputs = keras.Input(shape)
    return randomize(keras.Model(inputs, build(inputs)))
