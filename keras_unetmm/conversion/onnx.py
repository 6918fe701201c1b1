# SPDX-License-Identifier: Apache-2.0
"""From a Keras model to an ONNX file, which is run beside the model before it is kept."""

import contextlib
import importlib.util
import re
import shutil
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from keras_unetmm.conversion.quiet import captured
from keras_unetmm.graph.expand import expand, static_shapes
from keras_unetmm.graph.finite import validate_finite_weights, validate_float_weights
from keras_unetmm.graph.jax_forms import jax_forms
from keras_unetmm.graph.nodes import outputs_for

EXPORTERS = {"tensorflow": "tf2onnx", "torch": "onnxscript", "jax": "jax2onnx"}
RANKS = (0, 1, 2, 3)
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")  # of terminals, in what exporters say
_CLOSE = 1e-3  # of the largest value of an output
_OPEN = 32  # places along an axis of open size, of the images that are tried


class ExportError(ValueError):
    """The exporter fails, or its file gives other values than the model."""


@dataclass(frozen=True)
class Exported:
    """What `export_onnx` has written.

    Attributes:
        path: `pathlib.Path`.
        nodes: int, operators of the file.
        opset: int, the version of ONNX's operators.
        difference: float, the largest difference of a value from the model's, on random images.
        of: float, the largest magnitude of the model's outputs.
    """

    path: Path
    nodes: int
    opset: int
    difference: float
    of: float


def export_onnx(model, path, size=None):
    """Writes a model as ONNX, in floats, after onnxruntime gave the model's outputs on random images.

    The file is made by tf2onnx on TensorFlow, by PyTorch's exporter on torch and by jax2onnx on JAX. The last lacks
    convolutions of three dimensions, and takes max pooling and bilinear resizing with a fixed size only.

    Examples:
        >>> export_onnx(model, "model.onnx").difference < 1e-4
        True

    Args:
        model: a functional or sequential `keras.Model`.
        path: str or path of the .onnx file.
        size: `(height, width)` in pixels or `(depth, height, width)`, to fix the size, and with it the batch; by default the
            sizes stay open where the model's are.

    Returns:
        An `Exported`.

    Raises:
        ValueError: for a size that does not fit, or weights that are not finite.
        ExportError: if the exporter fails, or the file gives other values.
        ImportError: if a package is missing.
    """
    backend = keras.backend.backend()
    missing = [name for name in (EXPORTERS[backend], "onnx", "onnxruntime") if importlib.util.find_spec(name) is None]
    if missing:
        raise ImportError(f'{", ".join(missing)} must be installed. Run pip install "keras-unetmm[onnx]".')
    validate_float_weights(model)
    validate_finite_weights(model)
    if size is not None:
        shapes = static_shapes(model, size, RANKS)
        model = expand(model, shapes if len(shapes) > 1 else shapes[0])
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, "model.onnx")
        images, want = _example(model)  # exporters want a model that has been called
        _write(model, made, backend)
        difference, nodes, opset = _compared(model, made, images, want)
        of = float(max(np.abs(y).max() for y in want))
        if not difference <= _CLOSE * max(of, 1e-6):
            raise ExportError(
                f"The ONNX file must give the model's values. Received: a difference of {difference:.3g} of {of:.3g}, "
                f"by the exporter of {backend}. {_elsewhere(model, backend)}"
            )
        shutil.copyfile(made, path)
    return Exported(Path(path), nodes, opset, difference, of)


def _write(model, path, backend):
    shapes = [x.shape for x in model.inputs]
    volumes = any(len(shape) == 5 for shape in shapes)
    fixed = backend == "torch" and volumes  # PyTorch's exporter takes 3-D convolutions with a fixed batch only
    signature = [keras.InputSpec(shape=(1, *shape[1:]), dtype="float32") for shape in shapes]
    forms = jax_forms() if backend == "jax" else contextlib.nullcontext()
    with forms, captured() as text, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model.export(str(path), format="onnx", verbose=False, **({"input_signature": signature} if fixed else {}))
        except Exception as error:  # exporters raise anything
            said = [line for line in _COLOURS.sub("", f"{error}\n{text()}").splitlines() if line.strip()]
            raise ExportError(
                f"The exporter of {backend} failed: {' '.join(said[:2])[:400]}. {_elsewhere(model, backend)}"
            ) from error


def _elsewhere(model, backend):
    """What to do where a backend's exporter fails."""
    other = "torch" if backend == "tensorflow" else "tensorflow"
    said = f"Export under another backend: --backend {other}, or KERAS_BACKEND={other}."
    if backend == "jax" and any(None in x.shape[1:] for x in model.inputs):
        said = f"Fix the size: --size HxW, or size=(height, width). Or: {said}"
    return said


def _example(model):
    """Random images, and what the model gives for them."""
    rng = np.random.default_rng(0)
    images = [rng.random([1, *(side or _OPEN for side in x.shape[1:])]).astype("float32") for x in model.inputs]
    return images, [keras.ops.convert_to_numpy(y) for y in outputs_for(model, images)]


def _compared(model, path, images, want):
    """The largest difference of the file's outputs, the number of nodes and the opset."""
    import onnx
    import onnxruntime

    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        names = [entry.name for entry in session.get_inputs()]
        got = session.run(None, dict(zip(names, _in_order(names, images, model), strict=True)))
    except Exception as error:  # onnxruntime has a class for each kind of failure
        backend = keras.backend.backend()
        raise ExportError(
            f"onnxruntime must run the ONNX file. Received: {' '.join(str(error).split())[:400]}, by the exporter of "
            f"{backend}. {_elsewhere(model, backend)}"
        ) from error
    differences = [np.abs(a - b).max() if a.shape == b.shape else np.inf for a, b in zip(want, got, strict=True)]
    graph = onnx.load(str(path))
    opset = max(entry.version for entry in graph.opset_import if entry.domain in ("", "ai.onnx"))
    return float(max(differences)), len(graph.graph.node), opset


def _in_order(names, images, model):
    """The images in the order of the file's inputs, which have the names of the model's."""
    by_name = {x.name: image for x, image in zip(model.inputs, images, strict=True)}
    return [by_name[name] for name in names] if set(names) == set(by_name) else images
