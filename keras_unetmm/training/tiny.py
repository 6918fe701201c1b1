# SPDX-License-Identifier: Apache-2.0
"""Data for --smoke: what a recipe's readers read, tiny."""

import numpy as np

from keras_unetmm.training.folder import TrainingError
from keras_unetmm.training.recipe import readers


def tiny_data(recipe, folder):
    """Makes what the recipe's readers read, a few tiny examples each, and returns the folder."""
    for reader in dict.fromkeys(readers(recipe)):
        if not hasattr(reader, "tiny"):
            raise TrainingError(
                f"--smoke needs a reader of keras_unetmm.data, or one marked by data.reader(tiny=...). Received: {reader}."
            )
        folder.mkdir(exist_ok=True)
        reader.tiny(folder, np.random.default_rng(0))
    return folder
