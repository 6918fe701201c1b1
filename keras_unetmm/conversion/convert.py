# SPDX-License-Identifier: Apache-2.0
"""From a Keras model to a full-integer .tflite file, on any backend: an ordered list of passes over one `Conversion`."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from keras_unetmm.conversion.conversion import Conversion, ConversionError, Request
from keras_unetmm.deprecation import renamed
from keras_unetmm.types import Calibration, PerChannel, Size

if TYPE_CHECKING:
    import keras

    from keras_unetmm.lowering.differences import Difference
    from keras_unetmm.targets.verdict import Verdict

__all__ = ["ConversionError", "Report", "conversion_of", "convert", "convert_with_report", "report_of"]


def convert(
    model: "keras.Model",
    calibration: Calibration,
    target: str = "tflm",
    size: Size = None,
    io: str = "int8",
    output_kind: str | Sequence[str] = "auto",
    mean: PerChannel = None,
    std: PerChannel = None,
    outliers: str = "cut",
    *,
    output: str | None = None,
    **choices: Any,
) -> bytes:
    """Converts a model of images or volumes to a .tflite file in which every tensor is an integer.

    The input is the camera's bytes: the scale is 1/255, whatever the calibration, so that a frame goes in by a copy. What
    the model needs beyond that, `mean` and `std`, is computed inside the file. Layers for which the target has no
    integer operator are replaced (see `keras_unetmm.lowering.lowering`). Channels that gates have switched off are built out
    first, see `keras_unetmm.pruning.without_unselected`. Under JAX and torch the file is made in a second process, under
    TensorFlow. `keras_unetmm.tflite.metadata` reads what the file says of itself.

    Args:
        model: a functional or sequential `keras.Model` on images `(N, H, W, C)`, volumes `(N, D, H, W, C)`, sequences
            `(N, T, C)` or vectors `(N, C)` with values in [0, 1], or normalised by `mean` and `std`; of one input and output
            or several; or one of `keras_unetmm.quantize.quantize_aware`.
        calibration: a folder of images (of .npy files for volumes and for other channels than gray and RGB), or an iterable
            of float arrays `(H, W, C)` or `(1, H, W, C)` with values in [0, 1]: what the network will be given on the
            device, noise included. 20 to 200 are usual. What lies outside is cut off, as the device's bytes do. For several
            inputs lists or dicts of arrays, or a folder with a folder for each. None for a model of `quantize_aware`, which
            knows its ranges.
        target: `"litert"`, `"tflm"`, `"coral"`, `"ethos-u55"`, `"ethos-u65"` or `"ethos-u85"`.
        size: `(height, width)` in pixels or `(depth, height, width)`, for models that take any size.
        io: `"int8"`, bytes less 128; or `"uint8"`, the bytes themselves, at the cost of an operator at either end.
        output_kind: what the output is. `"image"`: bytes as well, scale 1/255. `"probabilities"`: scale 1/256, as the
            kernels of sigmoid and softmax have it. `"values"`: the scale is calibrated. `"logits"`: the same, without the
            model's last softmax or sigmoid. `"indices"`: the number of the class at each place, as a byte; of one class
            whether its probability is more than 1/2. `"auto"`: probabilities behind a sigmoid or softmax; an image where the
            model gives as many channels as it takes and what it gives on the calibration images loses less than 1/10,000
            of its variance when cut to [0, 1]; indices behind an argmax; else values. A model of `quantize_aware` knows what
            its output is. Of several outputs a list of one for each.
        mean, std: float, or a sequence of one a channel, if the model was trained on `(x - mean) / std` of an x in [0, 1].
        outliers: `"cut"`, the ranges inside the network leave out the last value in 10,000 at either end, 0.09 dB better
            on denoisers of photographs; or `"keep"`, all values on the calibration images fit.
        output: old name of `output_kind`.
        **choices: other integer forms than the target's, see `keras_unetmm.targets.options.LoweringOptions`.

    Returns:
        bytes, the content of the .tflite file, batch 1.

    Warns:
        UserWarning: if the file's output has a signal to noise below 20 dB beside the model's, or 1 dB less than with other
            options, with the layer that loses most.

    Raises:
        ValueError: for a model, target, size or calibration that does not fit, or a layer without an integer form.
        ConversionError: if a tensor of the file is not an integer, if the target cannot run an operator, if the
            converter fails, or if the file gives other bytes than a model of `quantize_aware`, which is tried on the
            calibration images, or without any on random, ramp and extreme ones.
        ImportError: if TensorFlow is missing.

    Examples:
        >>> model = models.UNet(channels=4, levels=2, input_shape=(32, 32, 3))
        >>> content = tflite.convert(model, "photos")  # doctest: +SKIP
    """
    output_kind = renamed("output", output, "output_kind", output_kind, "auto")
    request = Request(calibration, target, size, io, output_kind, mean, std, outliers, choices)
    return conversion_of(model, request).content


def conversion_of(model: "keras.Model", request: Request) -> Conversion:
    """Returns the finished `Conversion` of a model; errors are those of `convert`.

    Args:
        model: as for `convert`.
        request: `keras_unetmm.conversion.conversion.Request`.
    """
    from keras_unetmm.conversion.passes import PASSES  # and with them keras

    conversion = Conversion(request, model=model)
    for step in PASSES:
        step(conversion)
    return conversion


@dataclass(frozen=True)
class Report:
    """A converted file, and what is known of it.

    Attributes:
        content: bytes of the .tflite file.
        verdict: `keras_unetmm.targets.verdict.Verdict` on its target.
        signal_to_noise: tuple of float, in dB, of each output beside the model's on a few calibration images; None for a
            constant output or numbers of classes; empty for a model of `quantize_aware`, whose bytes the file gives.
        left_out: tuple of str, layers that do nothing outside training.
        differences: tuple of `keras_unetmm.lowering.differences.Difference`, what the exchanged layers change in floats.
    """

    content: bytes
    verdict: "Verdict"
    signal_to_noise: tuple[float | None, ...]
    left_out: tuple[str, ...]
    differences: "tuple[Difference, ...]" = ()

    def card(self, name: str) -> str:
        """Returns what the file is, takes and gives, in Markdown; `name` is that of the file."""
        from keras_unetmm.conversion.card import card

        return card(name, self.content, self.verdict, self.differences, self.signal_to_noise, self.left_out)

    def lines(self) -> list[str]:
        """Returns a list of str: the signal to noise, and what was left out."""
        known = [f"{signal:.1f} dB" for signal in self.signal_to_noise if signal is not None]
        said = [f"Signal to noise of the output beside the model's, on calibration images: {', '.join(known)}."]
        said = said if known else []
        return said + [f"Left out, for it does nothing outside training: {layer}." for layer in self.left_out]


def convert_with_report(model: "keras.Model", calibration: Calibration, target: str = "tflm", **arguments: Any) -> Report:
    """Converts a model as `convert` does, and returns a `Report` with the file, the verdict and the signal to noise.

    Args:
        model, calibration, target: as for `convert`.
        **arguments: the others of `convert`.

    Raises:
        ValueError, ConversionError, ImportError: as `convert`.

    Examples:
        >>> model = models.UNet(channels=4, levels=2, input_shape=(32, 32, 3))
        >>> report = tflite.convert_with_report(model, "photos")  # doctest: +SKIP
        >>> content, card = report.content, report.card("segmenter.tflite")  # doctest: +SKIP
    """
    names = {field.name for field in fields(Request)} - {"choices", "compared"}
    asked = {name: value for name, value in arguments.items() if name in names}
    choices = {name: value for name, value in arguments.items() if name not in names}
    return report_of(conversion_of(model, Request(calibration, target, **asked, choices=choices)), card=True)


def report_of(conversion: Conversion, card: bool = False) -> Report:
    """Returns the `Report` of a finished `Conversion`; with the differences that its card holds, if there is to be one."""
    found: tuple[Difference, ...] = ()
    if card:
        from keras_unetmm.lowering.differences import differences

        first = [images[:1] for images in conversion.images]
        images = first if len(first) > 1 else first[0]
        found = differences(conversion.source, images, conversion.request.target, **conversion.request.choices)
    return Report(conversion.content, conversion.verdict, tuple(conversion.signal_to_noise), conversion.left_out, found)
