"""From a Keras model to a full-integer .tflite file, on any backend; the only importer of tensorflow."""

import json
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np

from keras_unetmm.conversion.ends import with_byte_ends
from keras_unetmm.conversion.indices import with_indices
from keras_unetmm.conversion.multipliers import with_equal_multipliers
from keras_unetmm.conversion.own_products import with_own_products
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
from keras_unetmm.interpreters.runtime import MissingRuntimeError, RunError, measure, refuse_missing, run
from keras_unetmm.quantization.calibration import calibration_images
from keras_unetmm.targets.targets import check
from keras_unetmm.tflite_file import graph as tflite_graph
from keras_unetmm.tflite_file.metadata import description, with_metadata

IO = ("int8", "uint8")
OUTPUTS = ("auto", "image", "probabilities", "values", "logits", "indices")
_NEEDS_TENSORFLOW = (
    'Conversion needs TensorFlow, whatever backend trained the model. Run pip install "keras-unetmm[tensorflow]".'
)
_FAR = 3.0  # outside [0, 1], from where on the output is no picture


class ConversionError(ValueError):
    """The model cannot become a file of integers only that the target runs."""


def convert(
    model,
    calibration,
    target="tflm",
    size=None,
    io="int8",
    output="auto",
    mean=None,
    std=None,
    outliers="cut",
    **choices,
):
    """Converts a model of images or volumes to a .tflite file in which every tensor is an integer.

    The input is the camera's bytes: the scale is 1/255, whatever the calibration, so that a frame goes in by a copy. What
    the model needs beyond that, `mean` and `std`, is computed inside the file. Layers for which the target has no
    integer operator are exchanged (see `keras_unetmm.lowering.lowering`). Under JAX and torch the file is made in a
    second process, under TensorFlow. `keras_unetmm.tflite.metadata` reads what the file says of itself.

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
        output: what the output is. `"image"`: bytes as well, scale 1/255. `"probabilities"`: scale 1/256, as the kernels of
            sigmoid and softmax have it. `"values"`: the scale is calibrated. `"logits"`: the same, without the model's
            last softmax or sigmoid. `"indices"`: the number of the class at each place, as a byte. `"auto"`:
            probabilities behind a sigmoid or softmax; an image where the model gives as many channels as it takes and what
            it gives on the calibration images loses less than 1/10,000 of its variance when cut to [0, 1]; else
            values. A model of `quantize_aware` knows what its output is.
        mean, std: float, or a sequence of one a channel, if the model was trained on `(x - mean) / std` of an x in [0, 1].
        outliers: `"cut"`, the ranges inside the network leave out the last value in 10,000 at either end, 0.09 dB better
            on denoisers of photographs; or `"keep"`, all values on the calibration images fit.
        **choices: other integer forms than the target's, see `keras_unetmm.lowering.forms.Forms`.

    Returns:
        bytes, the content of the .tflite file, batch 1.

    Raises:
        ValueError: for a model, target, size or calibration that does not fit, or a layer without an integer form.
        ConversionError: if a tensor of the file is not an integer, if the target cannot run an operator, if the
            converter fails, or if the file gives other bytes than a model of `quantize_aware`, which is tried on the
            calibration images, or without any on random, ramp and extreme ones.
        ImportError: if TensorFlow is missing.
    """
    return converted(model, calibration, target, size, io, output, mean, std, outliers, **choices)[0]


def converted(
    model, calibration, target, size=None, io="int8", output="auto", mean=None, std=None, outliers="cut", **choices
):
    """Returns what `convert` returns, and the `keras_unetmm.targets.verdict.Verdict` on it."""
    import keras

    from keras_unetmm.graph.expand import static_shape
    from keras_unetmm.graph.finite import refuse_weights_that_are_not_finite
    from keras_unetmm.graph.own_functions import refuse_own_functions
    from keras_unetmm.lowering.lowering import lowered
    from keras_unetmm.lowering.prepare import kind_of, prepared
    from keras_unetmm.quantization.quantize import is_quantize_aware, output_of, plain, ranges_and_kernels, renewed

    for name, value, known in (("io", io, IO), ("output", output, OUTPUTS), ("outliers", outliers, OUTLIERS)):
        if value not in known:
            raise ValueError(f"{name} must be one of {', '.join(map(repr, known))}. Received: {value!r}.")
    shape = static_shape(model, size, ranks=(2, 3))
    refuse_weights_that_are_not_finite(model)
    refuse_own_functions(model)
    ranges = trained = None
    if is_quantize_aware(model):
        if mean is not None or std is not None:
            raise ValueError("mean and std are part of a quantisation-aware model. Leave them out.")
        trained = renewed(model)
        model, ranges = plain(model)
    if len(model.outputs) != 1:
        raise ValueError(
            f"model must have one output. Received: {len(model.outputs)} outputs. Convert keras.Model(model.inputs, one of "
            "model.outputs) for each."
        )
    if ranges is not None and calibration is None:
        images = np.zeros(shape, "float32")
    else:
        images = calibration_images(calibration, shape, stacklevel=4)
    source = prepared(model, shape, output, mean, std, needed=ranges is None)
    made = lowered(source, target, shape, **choices)
    if made.model.outputs[0] is made.model.inputs[0]:
        raise ValueError(f"model must compute something. Received: {model.name}, whose output is its input.")
    kernels = {}
    if ranges is not None:
        ranges, kernels = ranges_and_kernels(made, ranges)
    if output == "auto":
        kind = kind_of(made.source)
        output = output_of(trained, kind) if trained is not None else "auto" if kind == "image" else kind
    make = _convert_here if keras.backend.backend() == "tensorflow" else _convert_in_a_child
    content, limits, output = make(made.model, images, io, output, ranges, kernels, outliers, trained)
    if ranges is None and output == "image" and not -_FAR < limits[0] <= limits[1] < 1 + _FAR:
        warnings.warn(
            f"The output is taken for an image and cut to 0 to 1, and the calibration images give {limits[0]:.2f} to "
            f"{limits[1]:.2f}. If it is none, pass output='values'; if the model is not trained yet, train it first.",
            stacklevel=3,
        )
    if ranges is None:  # else the scales are those of the training
        content = with_equal_multipliers(content, tflite_graph.read(content).main)
    if output == "indices":
        content = with_indices(content)
    file = tflite_graph.read(content)
    refuse_floats(file)
    verdict = _refuse_what_does_not_run(content, target)
    return with_metadata(content, description(file.main, target, output, mean, std)), verdict


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
            "the layers that make them:\n" + "\n".join(offenders) + "\nReplace these layers."
        )


def _refuse_what_does_not_run(content, target):
    """Returns the verdict on a file that runs."""
    verdict = check(content, target)
    missing = [operator for operator in verdict.operators if operator.verdict == "unsupported"]
    if missing:
        lines = [f"  {o.index} {o.name}: {o.why}" + (f" Instead: {o.instead}" if o.instead else "") for o in missing]
        raise ConversionError(f"The file is all integers, but {target} cannot run it:\n" + "\n".join(lines))
    try:
        if target == "tflm":
            measure(content)
        if target == "litert":
            tensors = tflite_graph.read(content).main
            run(
                content,
                [np.zeros(tensors.tensors[i].shape, tensors.tensors[i].type.lower()) for i in tensors.inputs],
                "litert",
            )
    except MissingRuntimeError as error:
        warnings.warn(f"The file is converted, and was not tried: {error}", stacklevel=4)
    except RunError as error:
        runtime = {"tflm": "TFLM", "litert": "LiteRT"}[target]
        raise ConversionError(f"The file is all integers, but {runtime} does not take it. {error}") from error
    return verdict


def _convert_here(lowered, images, io, output, ranges, kernels, outliers, trained=None):
    """The file, the range of the output on the calibration images, and what the output is."""
    with captured() as text:
        try:
            import tensorflow as tf
            from tensorflow.lite.python.convert import mlir_quantize

            shape = lowered.inputs[0].shape
            converter = tf.lite.TFLiteConverter.from_keras_model(lowered)
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: ([image.reshape(shape)] for image in images[:1])
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter._experimental_calibrate_only = True  # as TensorFlow's own quantization debugger does
            calibrated = converter.convert()
            calibrated = with_own_products(calibrated, tflite_graph.read(calibrated).main)
            graph = tflite_graph.read(calibrated).main
            if ranges is None:
                found = histograms(calibrated, graph, (image.reshape(shape) for image in images))
                calibrated = with_tensor_ranges(calibrated, chosen_ranges(graph, found, outliers))
                if output == "auto":
                    output = "image" if found[graph.outputs[0]].is_image() else "values"
            limits = measured(calibrated, graph)[0]
            fixed = BYTES if output == "image" else None
            calibrated = with_ranges(calibrated, graph, inputs=BYTES, outputs=fixed, one_range=images.ndim == 5)
            if ranges is not None:
                calibrated = with_layer_ranges(calibrated, graph, ranges)
            kinds = {"int8": tf.int8, "uint8": tf.uint8}
            last = kinds["int8" if output == "indices" else io]
            content = mlir_quantize(calibrated, input_data_type=kinds[io], output_data_type=last)
            if ranges is not None:
                content = with_trained_kernels(with_trained_scales(content, ranges), kernels)
            content = with_byte_ends(content, output == "image")
            if trained is not None:
                from keras_unetmm.conversion.same_bytes import refuse_other_bytes, trials

                refuse_other_bytes(content, trained, trials(images), list(ranges), _runtime_for(content))
            return content, limits, output
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
        refuse_missing("tflm")
    except MissingRuntimeError:
        return "litert-reference"
    return "tflm" if check(content, "tflm").runs else "litert-reference"


def _convert_in_a_child(lowered, images, io, output, ranges, kernels, outliers, trained=None):
    with tempfile.TemporaryDirectory() as folder:
        lowered.save(Path(folder, "lowered.keras"))
        np.save(Path(folder, "images.npy"), images)
        Path(folder, "ranges.json").write_text(json.dumps([ranges, kernels]))
        if trained is not None:
            trained.save(Path(folder, "trained.keras"))
        command = "import sys; from keras_unetmm.conversion.convert import _child; _child(*sys.argv[1:])"
        environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
        child = subprocess.run(
            [sys.executable, "-c", command, folder, io, output, outliers],
            env=environment,
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
        return Path(folder, "model.tflite").read_bytes(), *json.loads(Path(folder, "limits.json").read_text())


def _child(folder, io, output, outliers):
    import keras

    lowered = keras.models.load_model(Path(folder, "lowered.keras"), compile=False)
    trained = Path(folder, "trained.keras")
    trained = keras.models.load_model(trained, compile=False) if trained.exists() else None
    try:
        images, ranges = np.load(Path(folder, "images.npy")), json.loads(Path(folder, "ranges.json").read_text())
        content, limits, output = _convert_here(lowered, images, io, output, *ranges, outliers, trained)
    except ConversionError as error:
        Path(folder, "error.txt").write_text(str(error))
        return
    Path(folder, "limits.json").write_text(json.dumps([limits, output]))
    Path(folder, "model.tflite").write_bytes(content)
