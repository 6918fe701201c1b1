# SPDX-License-Identifier: Apache-2.0
"""The Select operator of Select-Attend-Transfer gates (SAT, arXiv 1804.05181), section 2. Written from the paper."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_unetmm.keras_types import Config, Initializer
from keras_unetmm.types import Shape, Tensor

ACTIVATIONS = ("truncated_relu", "hard_sigmoid", "sigmoid")


@keras.saving.register_keras_serializable("keras_unetmm")
class Select(keras.layers.Layer):
    """Weights every channel by one learned number, clipped so that training can switch the channel off.

    `y = x * trelu(w)` with the truncated ReLU `trelu(w) = min(max(w, 0), 1)`. At 0 and below a channel is off and its
    gradient is 0, so it stays off. The paper draws all weights from Glorot's uniform distribution, w among them: about half
    of the channels are off from the start. Started at 0.5, no channel of any network here ever went off.

    Args:
        initializer: where w starts: a name or object of `keras.initializers`, or a number for all channels. Default: Glorot
            uniform, as the paper has it.
        activation: what clips w: `"truncated_relu"`, the paper's choice, or one of the two that its section 4 found worse:
            `"hard_sigmoid"`, Keras's `clip(w / 6 + 1/2, 0, 1)`, off from -3 on, or `"sigmoid"`, which never is.
        sparsity: float, what each channel that is on adds to the loss, times its weight: `sparsity * sum(max(w, 0))`, of the
            other activations `sparsity * sum(activation(w))`. The paper has 0 and says why: no further term in the loss.

    Shape: `(N, *spatial, C) -> (N, *spatial, C)`.

    Raises:
        ValueError: for an unknown initializer or activation, or a sparsity below 0.

    Examples:
        >>> layers.Select(sparsity=1e-4)(keras.Input((16, 16, 8))).shape
        (None, 16, 16, 8)
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
        self.input_spec = keras.layers.InputSpec(min_ndim=3)

    def get_config(self) -> Config:
        own = {"activation": self.activation, "sparsity": self.sparsity}
        return {**super().get_config(), "initializer": keras.initializers.serialize(self.initializer), **own}

    @classmethod
    def from_config(cls, config: Config) -> "Select":
        """Makes the layer of a config; files from before the argument `initializer` have a number, `initial`."""
        config = dict(config)
        if "initial" in config:
            config["initializer"] = config.pop("initial")
        return cls(**config)

    def build(self, input_shape: Shape) -> None:
        start = {"initializer": self.initializer, "regularizer": self._penalty if self.sparsity else None}
        self.weight = self.add_weight(name="weight", shape=(input_shape[-1],), **start)

    def call(self, x: Tensor) -> Tensor:
        return x * self._clipped(self.weight)

    def scales(self) -> np.ndarray:
        """Returns the number that each channel is multiplied by, array `(C,)` with values from 0 to 1; at 0 it is off."""
        return ops.convert_to_numpy(self._clipped(ops.convert_to_tensor(self.weight)))

    def _clipped(self, weight):
        if self.activation == "truncated_relu":
            return ops.clip(weight, 0.0, 1.0)
        return getattr(ops, self.activation)(weight)

    def _penalty(self, weight):
        on = ops.relu(weight) if self.activation == "truncated_relu" else self._clipped(weight)
        return self.sparsity * ops.sum(on)


def select_initializer(initializer):
    """Returns the initializer that `Select` is given, as an object.

    Raises:
        ValueError: for anything else than a number or what `keras.initializers.get` takes.
    """
    if isinstance(initializer, (int, float)) and not isinstance(initializer, bool):
        return keras.initializers.Constant(float(initializer))
    try:
        found = None if isinstance(initializer, bool) else keras.initializers.get(initializer)
    except (ValueError, TypeError):
        found = None
    if isinstance(found, keras.initializers.Initializer):
        found = found.clone()  # unless it has a seed, every gate draws its own
    if not callable(found):
        raise ValueError(
            "initializer must be a name or object of keras.initializers, such as 'glorot_uniform', or a number. "
            f"Received: {initializer!r}."
        )
    return found


def select_activation(activation):
    """Returns the activation of `Select`, one of `ACTIVATIONS`.

    Raises:
        ValueError: for another one.
    """
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation must be one of {', '.join(map(repr, ACTIVATIONS))}. Received: {activation!r}.")
    return activation


def select_sparsity(sparsity):
    """Returns the weight of the penalty of `Select`, as a float.

    Raises:
        ValueError: for anything else than a finite number of at least 0.
    """
    number = isinstance(sparsity, (int, float)) and not isinstance(sparsity, bool)
    if not number or not 0 <= sparsity < float("inf"):
        raise ValueError(f"sparsity must be a finite number of at least 0. Received: {sparsity!r}.")
    return float(sparsity)
