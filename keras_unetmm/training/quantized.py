# SPDX-License-Identifier: Apache-2.0
"""A trained network that goes on as what its int8 file will compute."""

from pathlib import Path

import keras
import numpy as np

from keras_unetmm.data.batches import Batches
from keras_unetmm.quantization.quantize import quantize_aware
from keras_unetmm.training.folder import TrainingError
from keras_unetmm.types import Normalization

CALIBRATION = 32  # examples, for the first ranges


def validate_quantize(path: str | Path, precision: str, teacher: str | Path | None) -> None:
    """Refuses what does not go with quantisation-aware training.

    Raises:
        TrainingError: if there is no such file, or for other arguments of `train`.
    """
    if not Path(path).is_file():
        raise TrainingError(
            f"quantize (--quantize MODEL.keras) must be a trained network. Received: {path}, which is not there."
        )
    if precision != "float32":
        raise TrainingError(f"precision must be float32 to quantize, which rounds by itself. Received: {precision}.")
    if teacher is not None:
        raise TrainingError(f"teacher (--teacher) must be none to quantize. Received: {teacher}.")


def quantized(path: str | Path, batches: Batches, normalize: Normalization) -> keras.Model:
    """Returns the network of a file as what its int8 file will compute, its ranges those of a run's first examples.

    Args:
        path: of a `.keras` file.
        batches: `keras_unetmm.data.Batches` of images as the device has them.
        normalize: `(mean, std)` that the network was trained with, of what the device has, or `(None, None)`.

    Raises:
        ValueError: see `keras_unetmm.quantize.quantize_aware`.
    """
    images = (image for i in range(-(-CALIBRATION // batches.batch)) for image in batches.numbered(i)[0])
    if batches.normalize is not None:  # of a recipe with device_values
        images = (np.clip(image, 0, 1) for image in images)
    mean, std = normalize
    return quantize_aware(keras.models.load_model(path, compile=False), images, mean=mean, std=std)
