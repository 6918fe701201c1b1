"""How different the channels of a map are from each other: Table 3 of UNet-- (arXiv 2412.18276)."""

import numpy as np

from keras_unetmm.analysis.stages import stage_maps, values


def representative_ability(model, images):
    """Returns the variance of the cosine distances between the channels of each stage's map, `{stage: mean over images}`.

    A channel is the vector of all its places; the distance of two is `1 - cos`, and each pair counts once. The paper does
    not say what becomes of a channel that is 0 everywhere, which has no direction: its pairs are left out here, and an image
    with fewer than two pairs has variance 0.

    Args:
        model: a functional `keras.Model` of this package; see `keras_unetmm.analysis.stages.stage_maps` for its stages.
        images: array `(N, *spatial, C)`, as the model takes them.

    Raises:
        ValueError: for a model without stages, or images that do not fit.
    """
    maps = stage_maps(model)
    arrays = values(model, maps.values(), images)
    return {stage: float(np.mean([_variance(image) for image in array])) for stage, array in zip(maps, arrays, strict=True)}


def _variance(image):
    vectors = image.reshape(-1, image.shape[-1]).T.astype("float64")  # (C, places)
    lengths = np.linalg.norm(vectors, axis=1)
    vectors = vectors[lengths > 0] / lengths[lengths > 0, None]
    distances = 1 - (vectors @ vectors.T)[np.triu_indices(len(vectors), 1)]
    return distances.var() if len(distances) else 0.0
