"""From a Keras model to a full-integer .tflite file, on any backend: an ordered list of passes over one `Conversion`."""

from collections.abc import Sequence
from typing import Any

from keras_unetmm.conversion.conversion import Conversion, ConversionError, Request
from keras_unetmm.deprecation import renamed

__all__ = ["ConversionError", "conversion_of", "convert"]


def convert(
    model: Any,
    calibration: Any,
    target: str = "tflm",
    size: Sequence[int | None] | None = None,
    io: str = "int8",
    output_kind: str = "auto",
    mean: float | Sequence[float] | None = None,
    std: float | Sequence[float] | None = None,
    outliers: str = "cut",
    *,
    output: str | None = None,
    **choices: Any,
) -> bytes:
    """Converts a model of images or volumes to a .tflite file in which every tensor is an integer.

    The input is the camera's bytes: the scale is 1/255, whatever the calibration, so that a frame goes in by a copy. What
    the model needs beyond that, `mean` and `std`, is computed inside the file. Layers for which the target has no
    integer operator are replaced (see `keras_unetmm.lowering.lowering`). Channels that gates have
    switched off are built out first, see `keras_unetmm.pruning.without_unselected`. Under JAX and torch the file is made in
    a second process, under TensorFlow. `keras_unetmm.tflite.metadata` reads what the file says of itself.

    Args:
        model: a functional or sequential `keras.Model` on images `(N, H, W, C)` or volumes `(N, D, H, W, C)` with values in
            [0, 1], or normalised by `mean` and `std`; or one of `keras_unetmm.quantize.quantize_aware`.
        calibration: a folder of images (of .npy files for volumes), or an iterable of float arrays `(H, W, C)` or
            `(1, H, W, C)` with values in [0, 1]: what the network will be given on the device, noise included. 20 to 200
            are usual. What lies outside is cut off, as the device's bytes do. None for a model of `quantize_aware`, which
            knows its ranges.
        target: `"litert"`, `"tflm"`, `"coral"`, `"ethos-u55"`, `"ethos-u65"` or `"ethos-u85"`.
        size: `(height, width)` in pixels or `(depth, height, width)`, for models that take any size.
        io: `"int8"`, bytes less 128; or `"uint8"`, the bytes themselves, at the cost of an operator at either end.
        output_kind: what the output is. `"image"`: bytes as well, scale 1/255. `"probabilities"`: scale 1/256, as the
            kernels of sigmoid and softmax have it. `"values"`: the scale is calibrated. `"logits"`: the same, without the
            model's last softmax or sigmoid. `"indices"`: the number of the class at each place, as a byte. `"auto"`:
            probabilities behind a sigmoid or softmax; an image where the model gives as many channels as it takes and what
            it gives on the calibration images loses less than 1/10,000 of its variance when cut to [0, 1]; else values. A
            model of `quantize_aware` knows what its output is.
        mean, std: float, or a sequence of one a channel, if the model was trained on `(x - mean) / std` of an x in [0, 1].
        outliers: `"cut"`, the ranges inside the network leave out the last value in 10,000 at either end, 0.09 dB better
            on denoisers of photographs; or `"keep"`, all values on the calibration images fit.
        output: old name of `output_kind`.
        **choices: other integer forms than the target's, see `keras_unetmm.targets.options.LoweringOptions`.

    Returns:
        bytes, the content of the .tflite file, batch 1.

    Raises:
        ValueError: for a model, target, size or calibration that does not fit, or a layer without an integer form.
        ConversionError: if a tensor of the file is not an integer, if the target cannot run an operator, if the
            converter fails, or if the file gives other bytes than a model of `quantize_aware`, which is tried on the
            calibration images, or without any on random, ramp and extreme ones.
        ImportError: if TensorFlow is missing.
    """
    output_kind = renamed("output", output, "output_kind", output_kind, "auto")
    request = Request(calibration, target, size, io, output_kind, mean, std, outliers, choices)
    return conversion_of(model, request).content


def conversion_of(model: Any, request: Request) -> Conversion:
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
