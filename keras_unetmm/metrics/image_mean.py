# SPDX-License-Identifier: Apache-2.0
"""What all metrics that are averaged over images share."""

import keras

from keras_unetmm.metrics.precision import summing_type


class ImageMean(keras.metrics.MeanMetricWrapper):
    """The mean over images of a function; NaN as soon as one image holds a NaN.

    Args:
        function: `function(y_true, y_pred, **arguments) -> (N,)`, the value of each image.
        direction: "up" if more is better, else "down".
        name: str, what the metric is called in logs.
        dtype: of the sum over images, in at least 32 bits whatever is asked for; None for the one that Keras is set to.
        **arguments: the function's, which are also the ones of the subclass's constructor.
    """

    def __init__(self, function, direction, name, dtype, **arguments):
        super().__init__(function, name=name, dtype=summing_type(dtype), **arguments)
        self._direction = direction

    def values(self, y_true, y_pred):
        """Returns the value of each image, `(N,)`."""
        return self._fn(y_true, y_pred, **self._fn_kwargs)

    def get_config(self):
        return {"name": self.name, "dtype": self.dtype, **self._fn_kwargs}
