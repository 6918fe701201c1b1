"""A model, its sound files, and what `unetmm compare` says of them, for damaged ones."""

import functools

import keras
import numpy as np
import tensorflow as tf

from keras_unetmm import tflite
from keras_unetmm.compare.quality import Example, compare
from keras_unetmm.tflite_file.graph import TFLiteFileError


def compared(content):
    """What `unetmm compare` says of a file and the model that the sound ones were made of, on LiteRT."""
    examples = [Example("a", np.linspace(0, 1, 8 * 12 * 3, dtype="float32").reshape(8, 12, 3))]
    try:
        return compare(model_and_files()[0], content, examples, runtime="litert").as_json()
    except ValueError as error:
        if "Received: " not in str(error):
            raise
        raise TFLiteFileError(str(error)) from error  # what compare refuses is said in plain errors


@functools.cache
def model_and_files():
    """A model, and its files: of `convert`, and of the stock converter in floats, hybrid and in integers."""
    inputs = keras.Input((8, 12, 3))
    kept = keras.layers.Conv2D(6, 3, padding="same", activation="relu", name="first")(inputs)
    y = keras.layers.DepthwiseConv2D(3, strides=2, padding="same", name="down")(kept)
    y = keras.layers.Conv2DTranspose(6, 2, strides=2, name="up")(y)
    y = keras.layers.Concatenate(name="join")([kept, y])
    model = keras.Model(inputs, keras.layers.Conv2D(3, 3, padding="same", name="last")(y))
    images = np.random.default_rng(0).random((2, 8, 12, 3), "float32")
    files = [tflite.convert(model, images)]
    for options in ({}, {"optimizations": [tf.lite.Optimize.DEFAULT]}):
        for integers in {False, bool(options)}:
            converter = tf.lite.TFLiteConverter.from_keras_model(model)
            vars(converter).update(options)
            if integers:
                converter.representative_dataset = lambda: ([image[None]] for image in images)
            files.append(converter.convert())
    return model, files
