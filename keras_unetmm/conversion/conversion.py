"""What a conversion knows: what the user asked for, and what the passes have made of it so far."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras

    from keras_unetmm.lowering.lowering import Lowered
    from keras_unetmm.targets.verdict import Verdict
    from keras_unetmm.tflite_file.graph import Graph


class ConversionError(ValueError):
    """The model cannot become a file of integers only that the target runs."""


@dataclass(frozen=True)
class Request:
    """What the user asked for; every attribute is the argument of `keras_unetmm.tflite.convert` with that name."""

    calibration: Any
    target: str = "tflm"
    size: tuple[int, ...] | None = None
    io: str = "int8"
    output_kind: str = "auto"
    mean: Any = None
    std: Any = None
    outliers: str = "cut"
    choices: dict[str, Any] = field(default_factory=dict)


@dataclass
class Conversion:
    """A model on its way to a file. Each pass is a function of one, which it changes.

    Attributes:
        request: `Request`.
        model: the `keras.Model`, without the rounding of quantisation-aware training.
        trained: the quantisation-aware model whose bytes the file must give, or None.
        shape: tuple, of the input, batch 1.
        images: float32 array `(n, ...)`, the calibration images.
        source: the model with the normalisation that the file does.
        lowered: what the layers of `source` became.
        ranges: `{name: (low, high)}` of the lowered model's layers as they were trained, or None.
        kernels: what slices of a volume know of their kernels, see `ranges_and_kernels`.
        network: the lowered `keras.Model`.
        output: what the output is, `"auto"` until it is known.
        content: bytes, the file as the last pass left it.
        histograms: `Histogram` of each tensor of the float file, by its number.
        limits: tuple, the lowest and the highest value of the output on the calibration images.
        verdict: the target's `Verdict` on the file.
    """

    request: Request
    model: "keras.Model | None" = None
    trained: "keras.Model | None" = None
    shape: tuple[int, ...] = ()
    images: np.ndarray | None = None
    source: "keras.Model | None" = None
    lowered: "Lowered | None" = None
    ranges: dict[str, tuple[float, float]] | None = None
    kernels: dict[str, Any] = field(default_factory=dict)
    network: "keras.Model | None" = None
    output: str = "auto"
    content: bytes = b""
    histograms: dict[int, Any] = field(default_factory=dict)
    limits: tuple[float, float] = (0.0, 0.0)
    verdict: "Verdict | None" = None

    @property
    def graph(self) -> "Graph":
        """The file's main graph, as it is now."""
        from keras_unetmm.tflite_file.graph import read

        return read(self.content).main
