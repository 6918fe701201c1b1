"""From a Keras model to a full-integer .tflite file, on any backend; the only importer of tensorflow."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from keras_unetmm.tflite import graph as tflite_graph
from keras_unetmm.tflite.quiet import captured
from keras_unetmm.tflite.runtime import TFLMError, measure


class ConversionError(ValueError):
    """The model cannot become a file of integers only."""


def convert(model, calibration, target="tflm", size=None):
    """Converts an image model to a .tflite file in which every tensor is an integer.

    Layers for which the target has no integer operator are exchanged (see `keras_unetmm.tflite.lowering`). Under JAX
    and torch the file is made in a second process, under TensorFlow.

    Args:
        model: a functional or sequential `keras.Model` on images `(N, H, W, C)` with values in [0, 1].
        calibration: a folder of images, or an iterable of float arrays `(H, W, C)` or `(1, H, W, C)`: what the network
            will be given on the device, noise included. 20 to 200 are usual.
        target: `"tflm"`.
        size: `(height, width)` in pixels, for models that take any size.

    Returns:
        bytes, the content of the .tflite file: batch 1, int8 input and output.

    Raises:
        ValueError: for a model, target, size or calibration that does not fit.
        ConversionError: if a tensor of the file is not an integer, if TFLM cannot allocate the file, or if the
            converter fails.
        ImportError: if TensorFlow is missing.
    """
    import keras

    from keras_unetmm.expand import static_shape
    from keras_unetmm.tflite.lowering import lower

    shape = static_shape(model, size)
    images = calibration_images(calibration, shape)
    lowered = lower(model, target, shape)
    if keras.backend.backend() == "tensorflow":
        content = _convert_here(lowered, images)
    else:
        content = _convert_in_a_child(lowered, images)
    refuse_floats(tflite_graph.read(content))
    try:
        measure(content)
    except TFLMError as error:
        raise ConversionError(f"The file is all integers, but TFLM does not take it. {error}") from error
    return content


def calibration_images(calibration, shape):
    """Returns calibration data as one float32 array `(count, H, W, C)`.

    Args:
        calibration: as for `convert`.
        shape: `(1, height, width, channels)` that the model takes.

    Raises:
        ValueError: if there is none, or one that does not fit.
    """
    if isinstance(calibration, (str, os.PathLike)):
        from keras_unetmm.data.images import read_crops

        return read_crops(calibration, shape[1:])
    images = []
    for i, image in enumerate(calibration):
        values = np.asarray(image)
        values = values[0] if values.ndim == 4 and len(values) == 1 else values
        if values.shape != shape[1:] or values.dtype.kind != "f" or not np.isfinite(values).all():
            raise ValueError(
                f"calibration must give finite float images of shape {shape[1:]}. Received: image {i} of shape "
                f"{values.shape} and type {values.dtype}. Crop it to the model's size and scale bytes by 1/255."
            )
        images.append(values.astype("float32"))
    if not images:
        raise ValueError("calibration must give at least one image. Received: none. Pass 20 to 200 typical inputs.")
    return np.stack(images)


def refuse_floats(model):
    """Raises a `ConversionError` that names every tensor of the file that is not an integer or a boolean."""
    offenders = []
    for graph in model.graphs:
        for index, tensor in enumerate(graph.tensors):
            if "INT" not in tensor.type and tensor.type != "BOOL":
                producer = graph.producer(index)
                maker = f"computed by {producer.name}" if producer else "a constant or an input"
                offenders.append(f"  {tensor.name} {tensor.shape}: {tensor.type}, {maker}")
    if offenders:
        raise ConversionError(
            f"{len(offenders)} tensors of the file are not integers, because the converter has no integer operator for "
            "the layers that make them:\n" + "\n".join(offenders) + "\nReplace these layers, or add their "
            "integer form to keras_unetmm.tflite.lowering."
        )


def _convert_here(lowered, images):
    with captured() as text:
        try:
            import tensorflow as tf

            converter = tf.lite.TFLiteConverter.from_keras_model(lowered)
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: ([image[None]] for image in images)
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = converter.inference_output_type = tf.int8
            return converter.convert()
        except ImportError as error:
            raise ImportError(
                "Conversion needs TensorFlow, whatever backend trained the model. Install keras-unetmm[tensorflow]."
            ) from error
        except Exception as error:  # the converter raises anything: say what it said, in one kind of error
            said = [line for line in f"{error}\n{text()}".splitlines() if "error:" in line] or str(error).splitlines()
            raise ConversionError("The TensorFlow Lite converter failed: " + " ".join(said[:2])[:500]) from error


def _convert_in_a_child(lowered, images):
    with tempfile.TemporaryDirectory() as folder:
        lowered.save(Path(folder, "lowered.keras"))
        np.save(Path(folder, "images.npy"), images)
        command = "import sys; from keras_unetmm.tflite.convert import _child; _child(sys.argv[1])"
        environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
        child = subprocess.run(
            [sys.executable, "-c", command, folder], env=environment, capture_output=True, text=True, check=False
        )
        result = Path(folder, "model.tflite")
        if Path(folder, "error.txt").exists():
            raise ConversionError(Path(folder, "error.txt").read_text())
        if child.returncode:
            if "No module named 'tensorflow'" in child.stderr:
                raise ImportError(
                    "Conversion needs TensorFlow, whatever backend trained the model. Install keras-unetmm[tensorflow]."
                )
            last = (child.stderr.strip().splitlines() or ["nothing was said"])[-1]
            raise ConversionError(f"The conversion under TensorFlow failed: {last}")
        return result.read_bytes()


def _child(folder):
    import keras

    from keras_unetmm import layers  # noqa: F401 - registers what the saved model is made of
    from keras_unetmm.tflite import integer_layers  # noqa: F401 - likewise

    lowered = keras.models.load_model(Path(folder, "lowered.keras"), compile=False)
    try:
        Path(folder, "model.tflite").write_bytes(_convert_here(lowered, np.load(Path(folder, "images.npy"))))
    except ConversionError as error:
        Path(folder, "error.txt").write_text(str(error))
