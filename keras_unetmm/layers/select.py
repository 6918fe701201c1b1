"""The Select operator of Select-Attend-Transfer gates (SAT, arXiv 1804.05181), section 2. Written from the paper."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_unetmm")
class Select(keras.layers.Layer):
    """Weights every channel by one learned number, clipped so that training can switch the channel off.

    `y = x * trelu(w)` with the truncated ReLU `trelu(w) = min(max(w, 0), 1)`. At 0 and below a channel is off and its
    gradient is 0, so it stays off. The paper draws all weights from Glorot's uniform distribution, w among them: about half
    of the channels are off from the start. Started at 0.5, no channel of any network here ever went off.

    Args:
        initializer: where w starts: a name or object of `keras.initializers`, or a number for all channels. Default: Glorot
            uniform, as the paper has it.

    Shape: `(N, *spatial, C) -> (N, *spatial, C)`.

    Raises:
        ValueError: for an unknown initializer.

    Example:
        kept = Select()(encoder_map)
    """

    def __init__(self, initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        self.initializer = select_initializer(initializer)
        self.input_spec = keras.layers.InputSpec(min_ndim=3)

    def get_config(self):
        return {**super().get_config(), "initializer": keras.initializers.serialize(self.initializer)}

    @classmethod
    def from_config(cls, config):
        """Makes the layer of a config; files from before the argument `initializer` have a number, `initial`."""
        config = dict(config)
        if "initial" in config:
            config["initializer"] = config.pop("initial")
        return cls(**config)

    def build(self, input_shape):
        self.weight = self.add_weight(name="weight", shape=(input_shape[-1],), initializer=self.initializer)

    def call(self, x):
        return x * ops.clip(self.weight, 0.0, 1.0)


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
