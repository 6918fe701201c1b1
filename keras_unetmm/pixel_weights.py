# SPDX-License-Identifier: Apache-2.0
"""`fit(class_weight=...)` for masks: Keras 3.15 takes it for one label an example, and stumbles over a label a pixel."""

import functools
import importlib


def take_masks(keras):
    """Makes `class_weight` of `fit` weigh pixels where an example has a label in each; all else stays as Keras has it.

    Args:
        keras: the module.
    """
    data_adapter_utils = importlib.import_module("keras.src.trainers.data_adapters.data_adapter_utils")
    of_examples = data_adapter_utils.class_weight_to_sample_weights
    if hasattr(of_examples, "__wrapped__"):
        return

    @functools.wraps(of_examples)
    def class_weight_to_sample_weights(y, class_weight):
        rank = len(getattr(y, "shape", ()))
        if rank < 3:
            return of_examples(y, class_weight)
        return _of_pixels(keras, y, class_weight)

    data_adapter_utils.class_weight_to_sample_weights = class_weight_to_sample_weights


def _of_pixels(keras, y, class_weight):
    """The weight of each pixel of masks `(N, ..., 1)`, or one-hot `(N, ..., classes)`: `(N, ..., 1)`."""
    import numpy as np

    labels = keras.ops.convert_to_numpy(y)
    labels = labels if labels.shape[-1] == 1 else labels.argmax(-1)[..., None]
    weights = np.ones(labels.shape, keras.config.floatx())
    for label, weight in class_weight.items():
        weights[np.round(labels) == label] = weight
    return weights
