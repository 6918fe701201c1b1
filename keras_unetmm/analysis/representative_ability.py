# SPDX-License-Identifier: Apache-2.0
"""How different the channels of a map are from each other: Table 3 of UNet-- (arXiv 2412.18276)."""

import keras
import numpy as np

from keras_unetmm.analysis.stages import restored_maps, stage_maps, values
from keras_unetmm.types import Tensor


def representative_ability(model: keras.Model, images: Tensor) -> dict[str, float]:
    """Returns the variance of the cosine distances between the channels of each stage's map, `{stage: mean over images}`.

    A channel is the vector of all its places; the distance of two is `1 - cos`, and each pair counts once. The paper does
    not say what becomes of a channel that is 0 everywhere, which has no direction: its pairs are left out here, and an image
    with fewer than two pairs has variance 0.

    Args:
        model: a functional `keras.Model` of this package; see `keras_unetmm.analysis.stages.stage_maps` for its stages.
        images: array `(N, *spatial, C)`, as the model takes them.

    Raises:
        ValueError: for a model without stages, or images that do not fit.

    Examples:
        >>> model = models.UNet(channels=4, levels=2, skips="sat", input_shape=(32, 32, 3))
        >>> sorted(analysis.representative_ability(model, np.random.default_rng(0).random((1, 32, 32, 3))))[:2]
        ['dec0', 'enc0']
    """
    maps = stage_maps(model)
    arrays = values(model, maps.values(), images)
    return {
        stage: float(np.mean([_variance(_distances(image)) for image in array]))
        for stage, array in zip(maps, arrays, strict=True)
    }


def restored_diversity(model: keras.Model, images: Tensor) -> dict[int, dict[str, float]]:
    """Returns how different the channels of each encoder map are, and of the map that the skips restore of it: Table 3.

    The table compares variances of the cosine distances at similar means, so both are here.

    Args:
        model: a functional `keras.Model` of this package with `skips="unet--"`.
        images: array `(N, H, W, C)`, as the model takes them.

    Returns:
        `{level: {"encoder_mean", "encoder_variance", "iem_mean", "iem_variance"}}`, means over images.

    Raises:
        ValueError: for a model without such skips, or images that do not fit.

    Examples:
        >>> model = models.UNet(channels=8, levels=3, up="halving", skips="unet--", input_shape=(64, 64, 3))
        >>> list(analysis.restored_diversity(model, np.random.default_rng(0).random((1, 64, 64, 3)))[0])
        ['encoder_mean', 'encoder_variance', 'iem_mean', 'iem_variance']
    """
    pairs = restored_maps(model)
    arrays = iter(values(model, [tensor for pair in pairs.values() for tensor in pair], images))
    found: dict[int, dict[str, float]] = {}
    for level in pairs:
        found[level] = {}
        for name in ("encoder", "iem"):
            distances = [_distances(image) for image in next(arrays)]
            found[level][f"{name}_mean"] = float(np.mean([_mean(each) for each in distances]))
            found[level][f"{name}_variance"] = float(np.mean([_variance(each) for each in distances]))
    return found


def _distances(image):
    """The cosine distances between the channels of one image, a pair once."""
    vectors = image.reshape(-1, image.shape[-1]).T.astype("float64")  # (C, places)
    lengths = np.linalg.norm(vectors, axis=1)
    vectors = vectors[lengths > 0] / lengths[lengths > 0, None]
    return 1 - (vectors @ vectors.T)[np.triu_indices(len(vectors), 1)]


def _mean(distances):
    return distances.mean() if len(distances) else 0.0


def _variance(distances):
    return distances.var() if len(distances) else 0.0
