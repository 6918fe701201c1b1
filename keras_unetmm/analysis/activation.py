"""What a network's stages respond to: figure 5 of SUNets (arXiv 1804.10343)."""

from typing import Any

import numpy as np

from keras_unetmm.analysis.stages import stage_maps, values
from keras_unetmm.types import Tensor


def activation_maps(model: Any, images: Tensor) -> Any:
    """Returns how strongly each place of each stage's map responds, `{stage: array (N, *spatial)}`.

    That is the mean of the absolute values over the channels; how the paper sums channels up it does not say.

    Args:
        model: a functional `keras.Model` of this package; see `keras_unetmm.analysis.stages.stage_maps` for its stages.
        images: array `(N, *spatial, C)`, as the model takes them.

    Raises:
        ValueError: for a model without stages, or images that do not fit.
    """
    maps = stage_maps(model)
    arrays = values(model, maps.values(), images)
    return {stage: np.abs(array).mean(-1) for stage, array in zip(maps, arrays, strict=True)}
