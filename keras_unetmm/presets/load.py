# SPDX-License-Identifier: Apache-2.0
"""A trained network from its name."""

from pathlib import Path

import keras

from keras_unetmm.presets import fetch, store
from keras_unetmm.presets.store import FOLDER, PresetError
from keras_unetmm.presets.table import PRESETS


def from_preset(name: str, folder: Path = FOLDER) -> keras.Model:
    """Returns a trained network.

    It is a functional model as the function of its family builds it, for images of any size that fits, in the current
    backend. `keras_unetmm.presets.card` says what it was trained on and how well it does. The smallest two presets are part
    of the package. The others are downloaded when they are first asked for, and checked by their SHA-256.

    Examples:
        >>> model = presets.from_preset("lesions-sat")
        >>> model.output_shape
        (None, None, None, 1)

    Args:
        name: one of `keras_unetmm.presets.names()`; or a folder that holds one preset with its card, as `unetmm push` writes
            it; or `"hf://user/name"`, such a folder on Hugging Face.
        folder: of weights and cards, where they are not the package's own.

    Returns:
        A functional `keras.Model`.

    Raises:
        PresetError: a `ValueError`, for a name that is not there, which lists those that are, for a file that cannot be
            fetched, or a damaged one.
    """
    name, content = _weights(name, folder)
    weights = store.unpacked_weights(content)
    model = PRESETS[name].network(name=name.replace("-", "_"))
    shapes = [tuple(weight.shape) for weight in model.weights]
    if shapes != [array.shape for array in weights]:
        raise PresetError(
            f"The weights of {name} must fit its network. Received: {len(weights)} arrays of other shapes. Install "
            "keras_unetmm again."
        )
    model.set_weights(weights)
    return model


def _weights(name, folder):
    """The preset's name in the table, and the bytes of its weights, which are what its card says."""
    if isinstance(name, str) and (name.startswith("hf://") or (name not in store.names(folder) and Path(name).is_dir())):
        said = fetch.pushed_card(name)
        if said["name"] not in PRESETS:
            raise PresetError(
                f"the card of {name} must be of one of the presets {', '.join(map(repr, PRESETS))}, whose networks this "
                f"version builds. Received: {said['name']!r}."
            )
        return said["name"], fetch.found(name, store.WEIGHTS, said["weights_sha256"]).read_bytes()
    if folder == FOLDER:
        return name, fetch.weights_of(name).read_bytes()
    digest = store.card(name, folder)["weights_sha256"]
    return name, fetch.checked(store.written_weights(name, folder), digest, "Install keras_unetmm again").read_bytes()
