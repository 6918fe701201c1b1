# SPDX-License-Identifier: Apache-2.0
"""What a conversion knows: what the user asked for, and what the passes have made of it so far."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from keras_unetmm.types import Calibration, PerChannel, Size

if TYPE_CHECKING:
    import keras

    from keras_unetmm.lowering.lowering import Lowered
    from keras_unetmm.quantization.histograms import Histogram
    from keras_unetmm.targets.verdict import Verdict
    from keras_unetmm.tflite_file.graph import Graph


class ConversionError(ValueError):
    """The model cannot become a file of integers only that the target runs."""


@dataclass(frozen=True)
class Request:
    """What the user asked for; every attribute is the argument of `keras_unetmm.tflite.convert` with that name.

    Attributes:
        compared: bool, whether the file is run beside the model at the end.
    """

    calibration: Calibration
    target: str = "tflm"
    size: Size = None
    io: str = "int8"
    output_kind: str | Sequence[str] = "auto"
    mean: PerChannel = None
    std: PerChannel = None
    outliers: str = "cut"
    choices: dict[str, object] = field(default_factory=dict)
    compared: bool = True


@dataclass
class Conversion:
    """A model on its way to a file. Each pass is a function of one, which it changes.

    What there is of each input or output is a list, in the order of the model.

    Attributes:
        request: `Request`.
        model: the `keras.Model`, without the rounding of quantisation-aware training.
        trained: the quantisation-aware model whose bytes the file must give, or None.
        shapes: list of tuples, of the inputs, batch 1.
        images: list of float32 arrays `(n, ...)`, the calibration images.
        source: the model with the normalisation that the file does.
        lowered: what the layers of `source` became.
        left_out: tuple of str, layers that do nothing outside training.
        ranges: `{name: (low, high)}` of the lowered model's layers as they were trained, or None.
        kernels: what slices of a volume know of their kernels, see `ranges_and_kernels`.
        network: the lowered `keras.Model`.
        outputs: list of str, what the outputs are, `"auto"` until it is known.
        tried: list of arrays, the few images on which file and model are compared.
        expected: list of arrays, what the model gives for them.
        content: bytes, the file as the last pass left it.
        floats: bytes, the file before its numbers became integers, with the ranges as measured.
        histograms: `Histogram` of each tensor of the file of floats, by its number.
        limits: list of tuples, the lowest and the highest value of an output on the calibration images.
        rivals: dict of lists, the signal to noise of each output with other options, by what those are.
        weakest: str, the layer that loses most, where the output loses much.
        signal_to_noise: list of floats in dB, or None for a constant output and for one that is the number of a class.
        verdict: the target's `Verdict` on the file.
    """

    request: Request
    model: "keras.Model | None" = None
    trained: "keras.Model | None" = None
    shapes: list[tuple[int, ...]] = field(default_factory=list)
    images: list[np.ndarray] = field(default_factory=list)
    source: "keras.Model | None" = None
    lowered: "Lowered | None" = None
    left_out: tuple[str, ...] = ()
    ranges: dict[str, tuple[float, float]] | None = None
    kernels: dict[str, Sequence[Sequence[float]]] = field(default_factory=dict)
    network: "keras.Model | None" = None
    outputs: list[str] = field(default_factory=list)
    tried: list[np.ndarray] = field(default_factory=list)
    expected: list[np.ndarray] = field(default_factory=list)
    content: bytes = b""
    floats: bytes = b""
    histograms: "dict[int, Histogram]" = field(default_factory=dict)
    limits: list[tuple[float, float]] = field(default_factory=list)
    rivals: dict[str, list[float | None]] = field(default_factory=dict)
    weakest: str = ""
    signal_to_noise: list[float | None] = field(default_factory=list)
    verdict: "Verdict" = field(init=False, repr=False)

    @property
    def graph(self) -> "Graph":
        """The file's main graph, as it is now."""
        from keras_unetmm.tflite_file.graph import read

        return read(self.content).main
