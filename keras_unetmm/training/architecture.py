# SPDX-License-Identifier: Apache-2.0
"""The network of a file with new weights: what pruning found, trained from the beginning."""

from pathlib import Path

import keras

from keras_unetmm.training.distillation import Distillation
from keras_unetmm.training.folder import TrainingError


def validate_architecture_from(path: str | Path, quantize: str | Path | None, distill: Distillation | None) -> None:
    """Refuses what does not go with the network of a file.

    Raises:
        TrainingError: if there is no such file, or for other arguments of `train`.
    """
    name = "architecture_from (--architecture-from MODEL.keras)"
    if not Path(path).is_file():
        raise TrainingError(f"{name} must be a network. Received: {path}, which is not there.")
    if quantize is not None:
        raise TrainingError(
            f"quantize (--quantize) must be none with architecture_from, whose weights are new. Received: {quantize}."
        )
    if distill is not None:
        raise TrainingError(f"{name} must be none for a recipe that distills, which has networks of its own.")


def with_new_weights(path: str | Path) -> keras.Model:
    """Returns the network of a `.keras` file, its weights drawn by their initializers, in the precision that is set."""

    def copy(operation):
        config = operation.get_config()
        if "dtype" in config and not isinstance(operation, keras.layers.InputLayer):
            config["dtype"] = keras.config.dtype_policy().name
        return type(operation).from_config(config)

    return keras.models.clone_model(keras.models.load_model(path, compile=False), clone_function=copy)
