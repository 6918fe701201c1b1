# SPDX-License-Identifier: Apache-2.0
"""What a model loses as a file: its metrics in floats and in the file's numbers, and the noise that every layer adds to."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import keras
import numpy as np

from keras_unetmm.compare.example import Example
from keras_unetmm.compare.quality_layers import LayerNoise, Layers, as_shaped, decibels
from keras_unetmm.compare.quality_pair import Pair
from keras_unetmm.interpreters.runtime import RUNTIMES
from keras_unetmm.types import FileLike, JsonObject, Size

__all__ = ["Example", "LayerNoise", "Pair", "Quality", "Score", "Shown", "compare"]
_SHOWN = 4  # examples kept for a picture
_Number = float  # which fields below are called, too


@dataclass(frozen=True)
class Score:
    """A metric over all examples, of the model in floats and of the file."""

    metric: str
    float: _Number
    int8: _Number

    @property
    def difference(self) -> _Number:
        """What the file has more, or less where negative."""
        return self.int8 - self.float


@dataclass(frozen=True)
class Shown:
    """An example and both outputs, for a picture."""

    name: str
    image: np.ndarray
    float: np.ndarray
    int8: np.ndarray
    reference: np.ndarray | None


@dataclass(frozen=True)
class Quality:
    """What `compare` returns.

    Attributes:
        scores: tuple of `Score`, one a metric.
        agreement_db: float, the peak signal to noise ratio of the file's outputs against those in floats; the peak is the
            range of the file's output; where that is one of floats, the range of the model's. Infinite if they are equal. Of
            images, floats count as cut to [0, 1].
        levels: int, the largest difference of an output in steps of the file's scale; None for an output of floats.
        largest: float, the same difference as a number.
        layers: tuple of `LayerNoise` in the order of the graph, the output last.
        images: int, how many examples there were.
        layer_images: int, for how many of them the layers were measured.
        runtime: str, what ran the file.
        numbers: str, what the file computes with, such as `"int8"`, `"int16"`, `"float32"` or `"hybrid"`.
        shown: tuple of `Shown`, the first few.
    """

    scores: tuple
    agreement_db: float
    levels: int | None
    largest: float
    layers: tuple
    images: int
    layer_images: int
    runtime: str
    numbers: str
    shown: tuple

    def worst(self, count: int = 5) -> tuple[LayerNoise, ...]:
        """Returns the layers with the lowest signal to quantisation noise, the worst first."""
        return tuple(sorted(self.layers, key=lambda layer: layer.sqnr_db)[:count])

    def as_json(self) -> JsonObject:
        """Returns a dict that JSON can hold; a ratio without noise, or one without signal, is None."""
        return {
            "images": self.images,
            "runtime": self.runtime,
            "numbers": self.numbers,
            "metrics": {
                s.metric: {"float": _finite(s.float), self.numbers: _finite(s.int8), "difference": _finite(s.difference)}
                for s in self.scores
            },
            "agreement_db": _finite(self.agreement_db),
            "levels": self.levels,
            "largest": self.largest,
            "layer_images": self.layer_images,
            "layers": [{**vars(layer), "sqnr_db": _finite(layer.sqnr_db)} for layer in self.layers],
        }


def compare(
    model: keras.Model,
    file: FileLike,
    examples: Iterable[Example],
    metrics: Iterable[Callable[[], keras.Metric]] = (),
    target: str = "tflm",
    runtime: str = "tflm",
    size: Size = None,
    layer_images: int = 4,
    progress: Callable[[], object] | None = None,
) -> Quality:
    """Measures what a converted file loses against the model that it was made from.

    Model and file are both given what a device has, the image as the file's bytes: noise beyond black and white is cut. The
    metrics of the file are on the numbers that the output's bytes stand for. The noise of the layers is between the model in
    the target's integer forms, in floats, and the file on LiteRT's reference kernels, which are those of TFLM. A layer is
    left out if the file has no tensor of its output, because the converter fused it with the next one, or if it is called
    several times.

    The file may be another converter's, of integers of 8 or 16 bits, of floats, or hybrid: its layers are then set against
    the model's own, as far as names tell which is which.

    Args:
        model: the `keras.Model` that the file was converted from.
        file: path or bytes of a .tflite file, such as `keras_unetmm.tflite.convert` returns.
        examples: iterable of `Example`, of the file's size; taken one by one.
        metrics: iterable of functions that return Keras metrics, as of a recipe, such as `keras_unetmm.metrics.PSNR`; the
            examples then need references.
        target: what `convert` made the file for, if that does not say so itself.
        runtime: `"tflm"`, `"litert"` or `"litert-reference"`, what runs the file for the metrics.
        size: `(depth, height, width)` of volumes, if the model leaves it open.
        layer_images: int, for how many examples, the first ones, the layers are measured: the kernels are slow.
        progress: function of no argument that is called after each example, or None.

    Returns:
        A `Quality`.

    Raises:
        ValueError: for a file of several inputs or outputs, a model that does not fit it or has weights that are not
            finite, and examples that are missing or do not fit.
        TFLiteFileError: if the file is not a .tflite file, cut short or damaged.
        RunError: if the file cannot be run.
    """
    if runtime not in RUNTIMES:
        raise ValueError(f"runtime must be one of {', '.join(map(repr, RUNTIMES))}. Received: {runtime!r}.")
    pair = Pair(model, file, target, size)
    pairs = [(make(), make()) for make in metrics]  # of the floats and of the file
    layers, shown, count, noise, largest = Layers(pair) if layer_images else None, [], 0, [0.0, 0], 0.0
    least, greatest = np.inf, -np.inf
    for example in examples:
        image = pair.taken(example, bool(pairs))
        floats = pair.in_floats(image)
        made = as_shaped(pair.on(runtime, image), floats.shape, "its output")
        if not np.isfinite(floats).all():
            raise ValueError(f"model must give finite numbers. Received: others for {example.name}. Train it again.")
        for metric, of_int8 in pairs:
            reference = np.asarray(example.reference)[None]
            metric.update_state(reference, pair.probable(floats))
            of_int8.update_state(reference, pair.probable(made))
        seen = pair.seen(floats).astype("float64")
        apart = np.abs(seen - made)
        least, greatest = min(least, seen.min()), max(greatest, seen.max())
        noise, largest = [noise[0] + (apart**2).sum(), noise[1] + apart.size], max(largest, apart.max())
        if layers is not None and count < layer_images:
            layers.add(image)
        if count < _SHOWN:
            outputs = (pair.seen(pair.probable(floats))[0], pair.probable(made)[0])
            shown.append(Shown(example.name, image, *outputs, example.reference))
        count += 1
        if progress is not None:
            progress()
    if not count:
        raise ValueError("examples must hold at least one. Received: none.")
    scores = tuple(Score(metric.name, float(metric.result()), float(of_int8.result())) for metric, of_int8 in pairs)
    agreement = decibels(noise[1] * pair.peak(float(least), float(greatest)) ** 2, noise[0])
    noises = () if layers is None else layers.noises()
    levels = None if pair.scale is None else round(float(largest) / pair.scale)
    measured = min(count, layer_images)
    return Quality(scores, agreement, levels, float(largest), noises, count, measured, runtime, pair.numbers, tuple(shown))


def _finite(number):
    return number if math.isfinite(number) else None
