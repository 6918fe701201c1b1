# SPDX-License-Identifier: Apache-2.0
"""Select-Attend-Transfer gates (SAT, arXiv 1804.05181): what a skip connection carries is one attention map.

Written from the paper. `Attend` without `Select` is its AT, `Select` without `Attend` its ST.
"""

from typing import Any

import keras

from keras_unetmm.keras_types import Config, Initializer
from keras_unetmm.layers.composite import Composite
from keras_unetmm.layers.select import Select, select_activation, select_initializer, select_sparsity
from keras_unetmm.types import Shape, Tensor


@keras.saving.register_keras_serializable("keras_unetmm")
class Attend(Composite):
    """Sums a map up in one channel between 0 and 1: `y = sigmoid(w . x + b)`, a 1x1 (in 3-D 1x1x1) convolution.

    Shape: `(N, *spatial, C) -> (N, *spatial, 1)`, two or three spatial axes.

    Examples:
        >>> layers.Attend()(keras.Input((16, 16, 8))).shape
        (None, 16, 16, 1)
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.input_spec = keras.layers.InputSpec(min_ndim=4, max_ndim=5)

    def build(self, input_shape: Shape) -> None:
        convolution = {4: keras.layers.Conv2D, 5: keras.layers.Conv3D}[len(input_shape)]
        self.convolution = convolution(1, 1, name="convolution", dtype=self.dtype_policy.name)
        self.sigmoid = keras.layers.Activation("sigmoid", name="sigmoid", dtype=self.dtype_policy.name)
        self.convolution.build(input_shape)

    def call(self, x: Tensor) -> Tensor:
        return self.sigmoid(self.convolution(x))


@keras.saving.register_keras_serializable("keras_unetmm")
class SelectAttendTransfer(Composite):
    """The whole gate: channels are selected, then summed up in one attention map, which is transferred.

    It has `2C + 1` weights.

    Args:
        initializer, activation, sparsity: of the channels' weights, see `Select`. Default: Glorot uniform, the truncated
            ReLU and no penalty, as the paper has it.

    Shape: `(N, *spatial, C) -> (N, *spatial, 1)`, two or three spatial axes.

    Raises:
        ValueError: as of `Select`.

    Examples:
        >>> layers.SelectAttendTransfer()(keras.Input((16, 16, 8))).shape
        (None, 16, 16, 1)
    """

    def __init__(
        self,
        initializer: float | Initializer = "glorot_uniform",
        activation: str = "truncated_relu",
        sparsity: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.initializer = select_initializer(initializer)
        self.activation = select_activation(activation)
        self.sparsity = select_sparsity(sparsity)
        self.input_spec = keras.layers.InputSpec(min_ndim=4, max_ndim=5)

    def get_config(self) -> Config:
        own = {"activation": self.activation, "sparsity": self.sparsity}
        return {**super().get_config(), "initializer": keras.initializers.serialize(self.initializer), **own}

    def build(self, input_shape: Shape) -> None:
        own = {"name": "select", "dtype": self.dtype_policy.name}
        self.select = Select(self.initializer, self.activation, self.sparsity, **own)
        self.attend = Attend(name="attend", dtype=self.dtype_policy.name)
        self.select.build(input_shape)
        self.attend.build(input_shape)

    def call(self, x: Tensor) -> Tensor:
        return self.attend(self.select(x))


_GATES = {"sat": SelectAttendTransfer, "at": Attend, "st": Select}


def gate(kind, initializer="glorot_uniform", activation="truncated_relu", sparsity=0.0, **kwargs):
    """Returns the gate of a name.

    Args:
        kind: `"sat"`, `"at"` or `"st"`.
        initializer, activation, sparsity: of the channels' weights, see `Select`; `"at"` has none.
        **kwargs: those of every Keras layer.
    """
    if kind != "at":
        kwargs |= {"initializer": initializer, "activation": activation, "sparsity": sparsity}
    return _GATES[kind](**kwargs)
