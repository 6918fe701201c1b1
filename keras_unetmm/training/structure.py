"""The network of a file with weights of its own: what pruning found, trained anew."""

from pathlib import Path

import keras

from keras_unetmm.training.folder import RunError


def refuse_structure(path, quantize, distill):
    """Refuses what does not go with the network of a file.

    Raises:
        RunError: if there is no such file, or for other arguments of `train`.
    """
    if not Path(path).is_file():
        raise RunError(
            f"architecture_from (--architecture-from MODEL.keras) must be a network. Received: {path}, which is not there."
        )
    if quantize is not None:
        raise RunError(
            f"quantize (--quantize) must be none with architecture_from, whose weights are new. Received: {quantize}."
        )
    if distill is not None:
        raise RunError(
            "architecture_from (--architecture-from) must be none for a recipe that distills, which has networks of its own."
        )


def anew(path):
    """Returns the network of a `.keras` file, its weights drawn anew by their initializers, in the precision that is set."""

    def copy(operation):
        config = operation.get_config()
        if "dtype" in config and not isinstance(operation, keras.layers.InputLayer):
            config["dtype"] = keras.config.dtype_policy().name
        return type(operation).from_config(config)

    return keras.models.clone_model(keras.models.load_model(path, compile=False), clone_function=copy)
