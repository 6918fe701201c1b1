# SPDX-License-Identifier: Apache-2.0
"""Refusing images that a network built for any size cannot take."""

from typing import Any

import keras
from keras import ops

from keras_unetmm.keras_types import Config
from keras_unetmm.types import Shape, Tensor


@keras.saving.register_keras_serializable("keras_unetmm")
class CheckedSizes(keras.layers.Layer):
    """Passes a map on as it is, and refuses images whose sizes the network cannot take.

    A network with open sizes would otherwise fail in the middle, or return a map that is smaller than the image.

    Args:
        multiple: int, what every size must divide by.
        least: int, what every size must be at least.

    Shape: `(N, *spatial, C) -> (N, *spatial, C)`, the image itself; or `[map, image] -> map`, where the network begins
    with layers that are not ours.

    Raises:
        ValueError: when it is called, with the nearest sizes that fit. In a graph of TensorFlow that was made for any size
            a reshape fails instead.

    Examples:
        >>> layers.CheckedSizes(multiple=16)(keras.Input((64, 48, 3))).shape
        (None, 64, 48, 3)
    """

    def __init__(self, multiple: int = 1, least: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.multiple = multiple
        self.least = least

    def get_config(self) -> Config:
        return {**super().get_config(), "multiple": self.multiple, "least": self.least}

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        kept, image = input_shape if isinstance(input_shape, list) else (input_shape, input_shape)
        check_sizes(image[1:], self.multiple, self.least, "the image")
        return kept

    def call(self, inputs: Tensor) -> Tensor:
        x, image = inputs if isinstance(inputs, (list, tuple)) else (inputs, inputs)
        check_sizes(image.shape[1:], self.multiple, self.least, "the image")
        if keras.backend.backend() == "tensorflow":  # traces a second size of image as an unknown one
            for size in ops.shape(image)[1:-1]:
                if not isinstance(size, int):  # only an operator can refuse it; one that adds nothing
                    x = x + ops.sum(ops.reshape(ops.zeros((size,), x.dtype), (size // self.multiple, self.multiple)))
        return x


def check_sizes(shape, multiple, least, what):
    """Raises a `ValueError` that begins with `what` if a known size does not divide by `multiple` or is below `least`.

    Args:
        shape: `(*spatial, channels)`; a size that is no integer is not known.
        multiple: int.
        least: int.
        what: str, whose shape it is.
    """

    def nearest(size):
        if not isinstance(size, int):
            return None
        return max(-(-least // multiple) * multiple, (size + multiple // 2) // multiple * multiple)

    *sizes, channels = shape
    if all(size % multiple == 0 and size >= least for size in sizes if isinstance(size, int)):
        return
    needs = (
        [f"divide by {multiple}, because the network halves them {multiple.bit_length() - 1} times"] if multiple > 1 else []
    )
    needs += [f"are at least {least} pixels"] if least > 1 else []
    raise ValueError(
        f"{what} must have sizes that {' and '.join(needs)}. Received: {tuple(shape)}. "
        f"The nearest that fits is {(*map(nearest, sizes), channels)}."
    )
