"""A trained network from its name."""

from keras_unetmm.presets.store import FOLDER, PresetError, read_weights
from keras_unetmm.presets.table import PRESETS


def from_preset(name, folder=FOLDER):
    """Returns a trained network: nothing is downloaded, weights and cards are part of the package.

    It is a functional model as the function of its family builds it, for images of any size that fits, in the current
    backend. `keras_unetmm.presets.card` says what it was trained on and how well it does.

    Args:
        name: str, one of `keras_unetmm.presets.names()`.
        folder: path, of weights and cards, where they are not the package's own.

    Returns:
        A functional `keras.Model`.

    Raises:
        PresetError: a `ValueError`, for a name that is not there, which lists those that are, or a damaged file.
    """
    weights = read_weights(name, folder)
    model = PRESETS[name].network(name=name.replace("-", "_"))
    shapes = [tuple(weight.shape) for weight in model.weights]
    if shapes != [array.shape for array in weights]:
        raise PresetError(
            f"The weights of {name} must fit its network. Received: {len(weights)} arrays of other shapes. Install "
            "keras_unetmm again."
        )
    model.set_weights(weights)
    return model
