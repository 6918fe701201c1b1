"""The Select operator of Select-Attend-Transfer gates (SAT, arXiv 1804.05181), section 2. Written from the paper."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_unetmm")
class Select(keras.layers.Layer):
    """Weights every channel by one learned number, clipped so that training can switch the channel off.

    `y = x * trelu(w)` with the truncated ReLU `trelu(w) = min(max(w, 0), 1)`. The paper does not say where w starts;
    here it is 0.5, from where a channel may go either way. At 0 and below a channel is off and its gradient is 0.

    Args:
        initial: float, where w starts.

    Shape: `(N, *spatial, C) -> (N, *spatial, C)`.
    """

    def __init__(self, initial=0.5, **kwargs):
        super().__init__(**kwargs)
        self.initial = initial
        self.input_spec = keras.layers.InputSpec(min_ndim=3)

    def build(self, input_shape):
        start = keras.initializers.Constant(self.initial)
        self.weight = self.add_weight(name="weight", shape=(input_shape[-1],), initializer=start)

    def call(self, x):
        return x * ops.clip(self.weight, 0.0, 1.0)
