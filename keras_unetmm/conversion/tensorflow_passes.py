# SPDX-License-Identifier: Apache-2.0
"""The passes under TensorFlow, from the lowered Keras model to a file of integers; the only importer of tensorflow.

Under JAX and torch they run in a second process, which gets the conversion in a folder.
"""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from keras_unetmm.conversion.conversion import Conversion, ConversionError, Request
from keras_unetmm.conversion.integer_elu import with_elus, with_stand_ins
from keras_unetmm.conversion.io_quantization import in_order_of_model, with_byte_io
from keras_unetmm.conversion.post_training import OUTLIERS, chosen_ranges, histograms, with_tensor_ranges
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
from keras_unetmm.conversion.scaled_relu6 import with_scaled_relu6
from keras_unetmm.conversion.signal import BETTER, ENOUGH, LEAST, signal_to_noise, weakest_layer
from keras_unetmm.conversion.unshare_multiplies import unshare_multiplies
from keras_unetmm.graph.nodes import maker
from keras_unetmm.interpreters.runtime import reference_runtime
from keras_unetmm.targets.targets import check
from keras_unetmm.tflite_file.graph import read

_NEEDS_TENSORFLOW = (
    'Conversion needs TensorFlow, whatever backend trained the model. Run pip install "keras-unetmm[tensorflow]".'
)
_ARRAYS = ("images", "tried", "expected")  # what a second process is given in files
_MADE = ("outputs", "limits", "rivals", "weakest")  # and what it gives back beside the file


def write_floats(conversion):
    """Writes the lowered model as a file of floats, ready for ranges."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(conversion.network)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: _representative(conversion)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter._experimental_calibrate_only = True  # as TensorFlow's own quantization debugger does
    conversion.content = in_order_of_model(converter.convert(), conversion.network)
    conversion.content = unshare_multiplies(conversion.content, conversion.graph)


def _given(conversion, count=None):
    """Yields a list of one array for each input, image by image."""
    shapes = [x.shape for x in conversion.network.inputs]
    for sample in zip(*(images[:count] for images in conversion.images), strict=True):
        yield [array.reshape(shape) for array, shape in zip(sample, shapes, strict=True)]


def _representative(conversion):
    """The first image, by the inputs' names where there are several: TensorFlow has an order of its own."""
    for arrays in _given(conversion, 1):
        names = [x.name for x in conversion.network.inputs]
        yield dict(zip(names, arrays, strict=True)) if len(arrays) > 1 else arrays


def measure_ranges(conversion):
    """Measures the range of every tensor on the calibration images; a quantisation-aware model knows its own."""
    if conversion.ranges is None:
        graph = conversion.graph
        found = histograms(conversion.content, graph, _given(conversion))
        chosen = chosen_ranges(graph, found, conversion.request.outliers)
        conversion.floats = conversion.content
        conversion.content = with_tensor_ranges(conversion.content, chosen)
        conversion.histograms = found
        for k, kind in enumerate(conversion.outputs):
            if kind == "auto":
                conversion.outputs[k] = "image" if found[graph.outputs[k]].is_image() else "values"
    conversion.limits = measured(conversion.content, conversion.graph)


def set_ranges(conversion):
    """Sets the ranges that are not measured: those of the file's ends, and those that were trained."""
    graph = conversion.graph
    volume = any(images.ndim == 5 for images in conversion.images)
    fixed = [BYTES if kind == "image" else None for kind in conversion.outputs]
    conversion.content = with_ranges(conversion.content, graph, inputs=BYTES, outputs=fixed, one_range=volume)
    if conversion.ranges is not None:
        conversion.content = with_layer_ranges(conversion.content, graph, conversion.ranges)


def quantize(conversion):
    """Rounds weights to bytes and makes every operator one of integers."""
    import tensorflow as tf
    from tensorflow.lite.python.convert import mlir_quantize

    kinds, io = {"int8": tf.int8, "uint8": tf.uint8}, conversion.request.io
    last = kinds["int8" if "indices" in conversion.outputs else io]
    content = with_stand_ins(conversion.content)
    conversion.content = with_elus(mlir_quantize(content, input_data_type=kinds[io], output_data_type=last))
    if conversion.ranges is not None:
        content = with_trained_scales(conversion.content, conversion.ranges)
        conversion.content = with_trained_kernels(content, conversion.kernels)
    conversion.content = with_scaled_relu6(conversion.content)
    if conversion.trained is not None:
        from keras_unetmm.conversion.same_bytes import with_trained_biases

        conversion.content = with_trained_biases(conversion.content, conversion.trained, list(conversion.ranges))


def byte_ends(conversion):
    """Makes the file's inputs, and outputs that are images, the bytes of a picture."""
    conversion.content = with_byte_io(conversion.content, [kind == "image" for kind in conversion.outputs])


def compare_with_trained(conversion):
    """Raises a `RangeError` unless the file gives the bytes of the quantisation-aware model."""
    if conversion.trained is not None:
        from keras_unetmm.conversion import same_bytes

        images, names = same_bytes.trials(conversion.images[0]), list(conversion.ranges)
        runtime = _runtime_for(conversion.content)
        same_bytes.validate_same_bytes(conversion.content, conversion.trained, images, names, runtime)


def try_other_options(conversion):
    """Where the file could lose less, finds what it would lose with other options, and which layer loses most."""
    if not conversion.expected:
        return
    now = _worst_of(conversion, conversion)
    if now is None or now >= ENOUGH:
        return
    found = {}
    for said, other in _others(conversion):
        for step in (set_ranges, quantize, byte_ends):
            step(other)
        found[said] = _signals(conversion, other)
    conversion.rivals = found
    best = max((_least(signals) for signals in found.values() if _least(signals) is not None), default=now)
    if now < LEAST or best >= now + BETTER:
        network = conversion.network
        names, last = [layer.name for layer in network.layers], [maker(x).name for x in network.outputs]
        conversion.weakest = weakest_layer(conversion.floats, conversion.content, conversion.tried, names, last)


def _others(conversion):
    """Yields conversions with one other option each, up to their ranges, and what the option is."""
    asked, graph = conversion.request, read(conversion.floats).main
    for outliers in OUTLIERS:
        if outliers != asked.outliers:
            chosen = chosen_ranges(graph, conversion.histograms, outliers)
            yield f"outliers={outliers!r}", replace(conversion, content=with_tensor_ranges(conversion.floats, chosen))
    if "image" in conversion.outputs:
        chosen = chosen_ranges(graph, conversion.histograms, asked.outliers)
        values = ["values" if kind == "image" else kind for kind in conversion.outputs]
        content = with_tensor_ranges(conversion.floats, chosen)
        yield "output_kind='values'", replace(conversion, content=content, outputs=values)


def _signals(conversion, other):
    return signal_to_noise(other.content, conversion.tried, conversion.expected, other.outputs)


def _worst_of(conversion, other):
    return _least(_signals(conversion, other))


def _least(signals):
    return min((signal for signal in signals if signal is not None), default=None)


TENSORFLOW_PASSES = (
    *(write_floats, measure_ranges, set_ranges, quantize, byte_ends, compare_with_trained, try_other_options),
)


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
    if reference_runtime() == "tflm" and check(content, "tflm", compile=False).runs:
        return "tflm"
    return "litert-reference"


def _run_in_a_child(conversion):
    asked = {name: value for name, value in asdict(_told(conversion.request)).items() if name != "calibration"}
    told = {"request": asked, "outputs": conversion.outputs, "ranges": conversion.ranges, "kernels": conversion.kernels}
    with tempfile.TemporaryDirectory() as folder:
        conversion.network.save(Path(folder, "network.keras"))
        if conversion.trained is not None:
            conversion.trained.save(Path(folder, "trained.keras"))
        for name in _ARRAYS:
            np.savez(Path(folder, f"{name}.npz"), *getattr(conversion, name))
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
    for name, value in made.items():
        setattr(conversion, name, value)


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
        **{name: list(np.load(Path(folder, f"{name}.npz")).values()) for name in _ARRAYS},
        **told,
    )
    try:
        _run_here(conversion)
    except ConversionError as error:
        Path(folder, "error.txt").write_text(str(error))
        return
    made = {name: getattr(conversion, name) for name in _MADE}
    Path(folder, "made.json").write_text(json.dumps(made))
    Path(folder, "model.tflite").write_bytes(conversion.content)
