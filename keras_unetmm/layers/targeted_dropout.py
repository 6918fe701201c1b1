# SPDX-License-Identifier: Apache-2.0
"""Channel dropout that falls on some channels more than on others, of STAMP (Dinsdale et al., Medical Image Analysis 2022).

Written from the paper's description. Channels that are likely to be pruned next are dropped more often while training, so
that the network learns to do without them. A rate of 1 is a channel that is gone, in training and after it.
"""

from typing import Any

import keras
from keras import ops

from keras_unetmm.types import Shape, Tensor


@keras.saving.register_keras_serializable("keras_unetmm")
class TargetedDropout(keras.layers.Layer):
    """Drops whole channels, each at its own rate: `y = x * keep / (1 - rate)` with `keep` 0 at that rate and else 1.

    Outside training nothing is dropped but the channels whose rate is 1. The rates are weights that are not trained; who
    prunes assigns them.

    Args:
        rate: float in [0, 1), where all rates start.
        seed: int, or None for a random one.

    Shape: `(N, *spatial, C) -> (N, *spatial, C)`.

    Raises:
        ValueError: for a rate out of that range.

    Examples:
        >>> layers.TargetedDropout(0.1)(keras.Input((16, 16, 8))).shape
        (None, 16, 16, 8)
    """

    def __init__(self, rate: float = 0.05, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(rate, (int, float)) or not 0 <= rate < 1:
            raise ValueError(f"rate must be at least 0 and below 1. Received: {rate!r}.")
        self.rate = rate
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape: Shape) -> None:
        start = keras.initializers.Constant(self.rate)
        given = {"shape": (input_shape[-1],), "initializer": start, "trainable": False}
        self.rates = self.add_weight(name="rates", dtype="float32", autocast=False, **given)

    def call(self, x: Tensor, training: bool | None = False) -> Tensor:
        alive = ops.cast(self.rates < 1, "float32")  # all in float32: in 16 bits, 0.999 would be gone
        if not training:
            return x * ops.cast(alive, x.dtype)
        shape = ops.shape(x)
        size = (shape[0], *[1] * (len(shape) - 2), shape[-1])
        drawn = keras.random.uniform(size, dtype="float32", seed=self.seed_generator)
        keep = alive * ops.cast(drawn >= self.rates, "float32") / (1 - self.rates * alive)  # (N, 1, ..., C)
        return x * ops.cast(keep, x.dtype)
