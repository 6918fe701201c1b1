# SPDX-License-Identifier: Apache-2.0
"""How well a network does: its metrics over a data set, example by example, whole."""

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import keras
import numpy as np

from keras_unetmm.data.batches import whole_example
from keras_unetmm.data.dataset import DataSet
from keras_unetmm.data.images import DamagedFileError
from keras_unetmm.deprecation import ON_ERROR, renamed
from keras_unetmm.metrics import spread as spread_of
from keras_unetmm.metrics.image_mean import ImageMean
from keras_unetmm.models.local_means import local_means
from keras_unetmm.models.multi_scale import predict_multi_scale
from keras_unetmm.models.windows import blended, overlaps
from keras_unetmm.training.recipe import Recipe

COMPILED = keras.backend.backend() == "jax"  # by XLA, which is slower on TensorFlow on CPUs


@dataclass(frozen=True)
class Sample:
    """One example and what the network made of it, for a picture.

    Args:
        name: str, of the example.
        image, reference, output: arrays as the network had and gave them, without the batch.
    """

    name: str
    image: np.ndarray
    reference: np.ndarray
    output: np.ndarray


@dataclass(frozen=True)
class MultiScale:
    """How images are segmented several times, see `keras_unetmm.models.predict_multi_scale`.

    Args:
        scales: of the image's size.
        flip: whether mirror images are segmented, too.
        window: pixels of windows that images are cut into, or None.
        shorter_side: pixels of the shorter side at scale 1, or None.
    """

    scales: tuple[float, ...] = (1.0,)
    flip: bool = False
    window: int | None = None
    shorter_side: int | None = None

    def of(self, model: keras.Model, image: np.ndarray, recipe: Recipe) -> np.ndarray:
        """What a model makes of a batch of images, normalised as the recipe has it; windows are padded with black."""
        mean, std = recipe.normalize or (0.0, 1.0)
        black = -np.asarray(mean, "float32") / np.asarray(std, "float32")
        made = predict_multi_scale(
            model,
            image,
            self.scales,
            self.flip,
            recipe.evaluate_multiple,
            window=self.window,
            shorter_side=self.shorter_side,
            fill=black,
        )
        return np.asarray(made)  # which it is: of an array, not of a list of images


@dataclass(frozen=True)
class Measured:
    """What `measure` found.

    Args:
        scores: dict of floats by metric, of the whole set.
        spread: dict by metric that is a mean over images of `keras_unetmm.metrics.spread` over these.
        samples: list of `Sample`.
    """

    scores: dict[str, float]
    spread: dict[str, dict[str, float]]
    samples: list[Sample]

    def written(self) -> dict[str, object]:
        """What the files of scores hold."""
        return {**self.scores, "spread": self.spread}


def evaluate(
    model: keras.Model,
    dataset: DataSet,
    recipe: Recipe,
    *,
    limit: int | None = None,
    samples: int = 3,
    on_error: str = "raise",
    track: Callable[[list[int]], Iterable[int]] | None = None,
    damaged: str | None = None,
) -> tuple[dict[str, float], list[Sample]]:
    """Measures a model.

    Args:
        model: `keras.Model`, compiled or not.
        dataset: `keras_unetmm.data.DataSet`.
        recipe: `Recipe`, for its metrics, degradation, normalisation and seed.
        limit: int, how many examples, evenly spread over the set, or None for all.
        samples: int, how many are returned for pictures, evenly spread over those measured.
        on_error: `"raise"` stops at a file that cannot be read; `"skip"` warns with its name and leaves it out.
        track: function of a list that returns it with progress shown, or None.
        damaged: old name of `on_error`.

    Returns:
        `(scores, samples)`: a dict of floats by metric, and a list of `Sample`.

    Raises:
        ValueError: if an example cannot be read, or does not fit the network.

    Examples:
        >>> recipe = training.load_recipe("denoise_bsd_nafnet")
        >>> model = keras.saving.load_model("runs/smoke/best.keras")  # doctest: +SKIP
        >>> scores, samples = training.evaluate(model, data.kodak24("data"), recipe)  # doctest: +SKIP
    """
    on_error = renamed("damaged", damaged, "on_error", on_error, "raise", values=ON_ERROR)
    found = measure(model, dataset, recipe, limit=limit, samples=samples, on_error=on_error, track=track)
    return found.scores, found.samples


def measure(
    model: keras.Model,
    dataset: DataSet,
    recipe: Recipe,
    *,
    limit: int | None = None,
    samples: int = 3,
    on_error: str = "raise",
    track: Callable[[list[int]], Iterable[int]] | None = None,
    several: MultiScale | None = None,
) -> Measured:
    """Measures a model, and how far the values of single images lie apart.

    Other arguments and errors are those of `evaluate`.

    Args:
        several: of masks, how each image is segmented several times; None for once.
    """
    if several and recipe.evaluate_window is not None:
        raise ValueError("scales, flip and window must be left out for recipes with evaluate_window. Received: one of them.")
    if several and dataset.target != "mask":
        raise ValueError(f"scales, flip and window must be left out for data without masks. Received: {dataset.name}.")
    if on_error not in ("raise", "skip"):
        raise ValueError(f'on_error must be "raise" or "skip". Received: {on_error!r}.')
    metrics = [make() for make in recipe.metrics]
    values: dict[str, list[float]] = {metric.name: [] for metric in metrics if isinstance(metric, ImageMean)}
    if recipe.evaluate_local is not None:
        model = local_means(model, recipe.evaluate_local)
    model.jit_compile = COMPILED
    chosen = spread(len(dataset), limit)
    shown = {chosen[i] for i in spread(len(chosen), samples)}
    kept, measured = [], 0
    found: dict = {}
    for index in track(chosen) if track else chosen:
        try:
            image, reference = whole_example(dataset, index, recipe)
        except DamagedFileError as error:
            if on_error == "raise":
                raise
            warnings.warn(f"{error} It is left out.", stacklevel=2)
            continue
        measured += 1
        if several:
            output = several.of(model, image, recipe)
        elif recipe.evaluate_window is not None:
            output = _by_windows(model, image, dataset.called(index), recipe, found)
        else:
            output = _predict(model, image, dataset.called(index), recipe.evaluate_multiple)
        for metric in metrics:
            if metric.name in values:
                value = metric.values(reference, output)
                values[metric.name] += np.ravel(keras.ops.convert_to_numpy(value)).tolist()
                keras.metrics.Mean.update_state(metric, value)  # of what is computed already
            else:
                metric.update_state(reference, output)
        if index in shown:
            kept.append(Sample(dataset.stem(index), image[0], reference[0], output[0]))
    if not measured:
        raise ValueError(f"{dataset.name} holds no example that can be read.")
    scores = {metric.name: float(metric.result()) for metric in metrics}
    return Measured(scores, {name: spread_of(each) for name, each in values.items()}, kept)


def better(metric: keras.Metric, score: float, best: float | None) -> bool:
    """Whether a score is better than the best one so far, which may be None."""
    if best is None or not np.isfinite(best):
        return True
    return score < best if getattr(metric, "_direction", "up") == "down" else score > best


def spread(count: int, wanted: int | None) -> list[int]:
    """`wanted` of `count` indices, evenly spread, or all."""
    if wanted is None or wanted >= count:
        return list(range(count))
    return [i * count // wanted for i in range(wanted)]


def _by_windows(model, image, name, recipe, found):
    """The output for a batch of one, by windows; `found` keeps what windows share, for the next example."""
    axes, multiple = image.ndim - 2, recipe.evaluate_multiple
    sides = recipe.evaluate_window if isinstance(recipe.evaluate_window, tuple) else (recipe.evaluate_window,) * axes
    if len(sides) != axes:
        raise ValueError(f"evaluate_window must have {axes} sizes for {name}. Received: {sides}. Change it in the recipe.")
    size = tuple(max(side, have + -have % multiple) for side, have in zip(sides, image.shape[1:], strict=False))
    padded = np.pad(image[0], [*((0, want - have) for want, have in zip(size, image.shape[1:], strict=False)), (0, 0)])

    def run(windows):
        return np.asarray(_predict(model, windows, name, 1), "float32")

    if not found:
        found["halos"], found["shared"] = overlaps(run, sides, image.shape[-1], multiple)
    made = blended(run, padded, sides, found["shared"], found["halos"], multiple, batch=1)
    return made[None][(slice(1), *map(slice, image.shape[1:-1]))]


def _predict(model, image, name, multiple):
    sizes = image.shape[1:-1]
    padding = [(0, 0), *((0, -size % multiple) for size in sizes), (0, 0)]
    try:
        output = model.predict_on_batch(np.pad(image, padding))
        return keras.ops.convert_to_numpy(output)[(slice(1), *map(slice, sizes))[: output.ndim - 1]]
    except ValueError as error:
        raise ValueError(f"{name}: the network cannot take it: {error}") from error
