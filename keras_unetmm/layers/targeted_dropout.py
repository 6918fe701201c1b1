"""Channel dropout that falls on some channels more than on others, of STAMP (Dinsdale et al., Medical Image Analysis 2022).

Written from the paper's description. Channels that are likely to be pruned next are dropped more often while training, so
that the network learns to do without them. A rate of 1 is a channel that is gone, in training and after it.
"""

import keras
from keras import ops


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
    """

    def __init__(self, rate=0.05, seed=None, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(rate, (int, float)) or not 0 <= rate < 1:
            raise ValueError(f"rate must be at least 0 and below 1. Received: {rate!r}.")
        self.rate = rate
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        start = keras.initializers.Constant(self.rate)
        self.rates = self.add_weight(name="rates", shape=(input_shape[-1],), initializer=start, trainable=False)

    def call(self, x, training=False):
        rates = ops.cast(self.rates, x.dtype)
        alive = ops.cast(rates < 1, x.dtype)
        if not training:
            return x * alive
        shape = ops.shape(x)
        drawn = keras.random.uniform((shape[0], *[1] * (len(shape) - 2), shape[-1]), dtype=x.dtype, seed=self.seed_generator)
        keep = alive * ops.cast(drawn >= rates, x.dtype)  # (N, 1, ..., C)
        return x * (keep / (1 - rates * alive))
