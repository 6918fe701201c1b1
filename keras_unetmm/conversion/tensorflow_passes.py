"""The passes under TensorFlow, from the lowered Keras model to a file of integers; the only importer of tensorflow.

Under JAX and torch they run in a second process, which gets the conversion in a folder.
"""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np

from keras_unetmm.conversion.conversion import Conversion, ConversionError, Request
from keras_unetmm.conversion.io_quantization import with_byte_io
from keras_unetmm.conversion.post_training import chosen_ranges, histograms, with_tensor_ranges
from keras_unetmm.conversion.quiet import captured
from keras_unetmm.conversion.ranges import (
    BYTES,
    RangeError,
    measured,
    with_layer_ranges,
    with_ranges,
    with_trained_kernels,
    with_trained_scales,
)
from keras_unetmm.conversion.unshare_multiplies import unshare_multiplies
from keras_unetmm.interpreters.runtime import MissingRuntimeError, validate_installed
from keras_unetmm.targets.targets import check

_NEEDS_TENSORFLOW = (
    'Conversion needs TensorFlow, whatever backend trained the model. Run pip install "keras-unetmm[tensorflow]".'
)


def write_floats(conversion):
    """Writes the lowered model as a file of floats, ready for ranges."""
    import tensorflow as tf

    shape = conversion.network.inputs[0].shape
    converter = tf.lite.TFLiteConverter.from_keras_model(conversion.network)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([image.reshape(shape)] for image in conversion.images[:1])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter._experimental_calibrate_only = True  # as TensorFlow's own quantization debugger does
    conversion.content = converter.convert()
    conversion.content = unshare_multiplies(conversion.content, conversion.graph)


def measure_ranges(conversion):
    """Measures the range of every tensor on the calibration images; a quantisation-aware model knows its own."""
    if conversion.ranges is None:
        graph, shape = conversion.graph, conversion.network.inputs[0].shape
        found = histograms(conversion.content, graph, (image.reshape(shape) for image in conversion.images))
        chosen = chosen_ranges(graph, found, conversion.request.outliers)
        conversion.content = with_tensor_ranges(conversion.content, chosen)
        conversion.histograms = found
        if conversion.output == "auto":
            conversion.output = "image" if found[graph.outputs[0]].is_image() else "values"
    conversion.limits = measured(conversion.content, conversion.graph)[0]


def set_ranges(conversion):
    """Sets the ranges that are not measured: those of the file's ends, and those that were trained."""
    graph = conversion.graph
    volume = conversion.images.ndim == 5
    fixed = BYTES if conversion.output == "image" else None
    conversion.content = with_ranges(conversion.content, graph, inputs=BYTES, outputs=fixed, one_range=volume)
    if conversion.ranges is not None:
        conversion.content = with_layer_ranges(conversion.content, graph, conversion.ranges)


def quantize(conversion):
    """Rounds weights to bytes and makes every operator one of integers."""
    import tensorflow as tf
    from tensorflow.lite.python.convert import mlir_quantize

    kinds, io = {"int8": tf.int8, "uint8": tf.uint8}, conversion.request.io
    last = kinds["int8" if conversion.output == "indices" else io]
    conversion.content = mlir_quantize(conversion.content, input_data_type=kinds[io], output_data_type=last)
    if conversion.ranges is not None:
        content = with_trained_scales(conversion.content, conversion.ranges)
        conversion.content = with_trained_kernels(content, conversion.kernels)


def byte_ends(conversion):
    """Makes the file's input, and an output that is an image, the bytes of a picture."""
    conversion.content = with_byte_io(conversion.content, conversion.output == "image")


def compare_with_trained(conversion):
    """Raises a `RangeError` unless the file gives the bytes of the quantisation-aware model."""
    if conversion.trained is not None:
        from keras_unetmm.conversion import same_bytes

        images, names = same_bytes.trials(conversion.images), list(conversion.ranges)
        runtime = _runtime_for(conversion.content)
        same_bytes.validate_same_bytes(conversion.content, conversion.trained, images, names, runtime)


TENSORFLOW_PASSES = (write_floats, measure_ranges, set_ranges, quantize, byte_ends, compare_with_trained)


def convert_under_tensorflow(conversion):
    """Runs `TENSORFLOW_PASSES`, in a second process where another backend runs in this one."""
    import keras

    (_run_here if keras.backend.backend() == "tensorflow" else _run_in_a_child)(conversion)


def _run_here(conversion):
    with captured() as text:
        try:
            for step in TENSORFLOW_PASSES:
                step(conversion)
        except RangeError as error:
            raise ConversionError(str(error)) from error
        except ImportError as error:
            raise ImportError(_NEEDS_TENSORFLOW) from error
        except Exception as error:  # the converter raises anything: say what it said, in one kind of error
            said = [line for line in f"{error}\n{text()}".splitlines() if "error:" in line] or str(error).splitlines()
            raise ConversionError("The TensorFlow Lite converter failed: " + " ".join(said[:2])[:500]) from error


def _runtime_for(content):
    """TFLM, whose arithmetic the model has; where it cannot run the file, LiteRT's kernels of the same kind."""
    try:
        validate_installed("tflm")
    except MissingRuntimeError:
        return "litert-reference"
    return "tflm" if check(content, "tflm", compile=False).runs else "litert-reference"


def _run_in_a_child(conversion):
    asked = {name: value for name, value in asdict(_told(conversion.request)).items() if name != "calibration"}
    told = {"request": asked, "output": conversion.output, "ranges": conversion.ranges, "kernels": conversion.kernels}
    with tempfile.TemporaryDirectory() as folder:
        conversion.network.save(Path(folder, "network.keras"))
        if conversion.trained is not None:
            conversion.trained.save(Path(folder, "trained.keras"))
        np.save(Path(folder, "images.npy"), conversion.images)
        Path(folder, "conversion.json").write_text(json.dumps(told))
        command = "import sys; from keras_unetmm.conversion.tensorflow_passes import _child; _child(sys.argv[1])"
        child = subprocess.run(
            [sys.executable, "-c", command, folder],
            env={**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"},
            capture_output=True,
            text=True,
            check=False,
        )
        if Path(folder, "error.txt").exists():
            raise ConversionError(Path(folder, "error.txt").read_text())
        if child.returncode:
            if "No module named 'tensorflow'" in child.stderr:
                raise ImportError(_NEEDS_TENSORFLOW)
            last = (child.stderr.strip().splitlines() or ["nothing was said"])[-1]
            raise ConversionError(f"The conversion under TensorFlow failed: {last}")
        conversion.content = Path(folder, "model.tflite").read_bytes()
        made = json.loads(Path(folder, "made.json").read_text())
    conversion.output, conversion.limits = made["output"], tuple(made["limits"])


def _told(request):
    """What the second process is told: neither images nor what is in the model already."""
    return Request(None, request.target, None, request.io, request.output_kind, None, None, request.outliers)


def _child(folder):
    import keras

    def loaded(name):
        path = Path(folder, name)
        return keras.models.load_model(path, compile=False) if path.exists() else None

    told = json.loads(Path(folder, "conversion.json").read_text())
    conversion = Conversion(
        Request(None, **told.pop("request")),
        network=loaded("network.keras"),
        trained=loaded("trained.keras"),
        images=np.load(Path(folder, "images.npy")),
        **told,
    )
    try:
        _run_here(conversion)
    except ConversionError as error:
        Path(folder, "error.txt").write_text(str(error))
        return
    made = {"output": conversion.output, "limits": conversion.limits}
    Path(folder, "made.json").write_text(json.dumps(made))
    Path(folder, "model.tflite").write_bytes(conversion.content)
