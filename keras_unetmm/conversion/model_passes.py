# SPDX-License-Identifier: Apache-2.0
"""The passes over the Keras model: what is asked for is checked, and every layer becomes one that has integer operators."""

import keras
import numpy as np

from keras_unetmm.conversion.post_training import OUTLIERS
from keras_unetmm.conversion.signal import TRIED
from keras_unetmm.graph.expand import static_shapes
from keras_unetmm.graph.finite import validate_finite_weights, validate_float_weights
from keras_unetmm.graph.nodes import outputs_for
from keras_unetmm.graph.own_functions import validate_no_own_functions
from keras_unetmm.graph.selected import without_unselected
from keras_unetmm.lowering.legalize import RANDOM
from keras_unetmm.lowering.lowering import lowered
from keras_unetmm.lowering.prepare import asked_of, kind_of, prepared
from keras_unetmm.quantization.calibration import calibration_inputs
from keras_unetmm.quantization.quantize import is_quantize_aware, output_of, plain, ranges_and_kernels, renewed

IO = ("int8", "uint8")
RANKS = (0, 1, 2, 3)  # spatial axes of an input
OUTPUTS = ("auto", "image", "probabilities", "values", "logits", "indices")


def validate_request(conversion):
    """Raises a `ValueError` for an argument or a model that cannot be."""
    asked, model = conversion.request, conversion.model
    for name, value, known in (("io", asked.io, IO), ("outliers", asked.outliers, OUTLIERS)):
        if value not in known:
            raise ValueError(f"{name} must be one of {', '.join(map(repr, known))}. Received: {value!r}.")
    kinds = [asked.output_kind] if isinstance(asked.output_kind, str) else asked.output_kind
    if not isinstance(kinds, (list, tuple)) or not kinds or not set(map(str, kinds)) <= set(OUTPUTS):
        raise ValueError(f"output_kind must be one of {', '.join(map(repr, OUTPUTS))}. Received: {asked.output_kind!r}.")
    conversion.shapes = static_shapes(model, asked.size, RANKS)
    validate_float_weights(model)
    validate_finite_weights(model)
    validate_no_own_functions(model)


def take_rounding_away(conversion):
    """Of a quantisation-aware model, keeps it to compare with, and goes on with the model without its rounding."""
    if is_quantize_aware(conversion.model):
        if conversion.request.mean is not None or conversion.request.std is not None:
            raise ValueError("mean and std are part of a quantisation-aware model. Leave them out.")
        conversion.trained = renewed(conversion.model)
        conversion.model, conversion.ranges = plain(conversion.model)


def build_out_unselected(conversion):
    """Builds out the channels that gates have switched off."""
    conversion.model = without_unselected(conversion.model)


def read_calibration(conversion):
    """Reads the calibration images; a quantisation-aware model can do without."""
    if conversion.ranges is not None and conversion.request.calibration is None:
        conversion.images = [np.zeros(shape, "float32") for shape in conversion.shapes]
    else:
        names = [x.name for x in conversion.model.inputs]
        conversion.images = calibration_inputs(conversion.request.calibration, conversion.shapes, names, stacklevel=7)


def prepare(conversion):
    """Puts the normalisation in front, and takes away what the outputs that are asked for leave out."""
    asked, needed = conversion.request, conversion.ranges is None
    conversion.outputs = asked_of(conversion.model, asked.output_kind)
    conversion.source = prepared(conversion.model, conversion.shapes, asked.output_kind, asked.mean, asked.std, needed)


def lower(conversion):
    """Replaces the layers for which the target has no integer operator, and says what the outputs are."""
    asked, shapes = conversion.request, conversion.shapes
    made = lowered(conversion.source, asked.target, shapes if len(shapes) > 1 else shapes[0], **asked.choices)
    if any(output is x for output in made.model.outputs for x in made.model.inputs):
        raise ValueError(f"model must compute something. Received: {conversion.model.name}, whose output is its input.")
    if conversion.ranges is not None:
        conversion.ranges, conversion.kernels = ranges_and_kernels(made, conversion.ranges)
    conversion.lowered, conversion.network = made, made.model
    left = (entry.layer for entry in made.legalizations if isinstance(entry.layer, RANDOM))
    conversion.left_out = tuple(f"{layer.name}, a {type(layer).__name__}" for layer in left)
    for k, kind in enumerate(conversion.outputs):
        known = kind_of(made.source, k)
        if kind == "auto" and conversion.trained is not None:
            conversion.outputs[k] = output_of(conversion.trained, known)
        elif kind == "auto" and known != "image":
            conversion.outputs[k] = known


def run_model(conversion):
    """Runs the model on a few of the calibration images, to compare the file with."""
    asked = conversion.request
    if conversion.trained is not None or not asked.compared:
        return
    count = len(conversion.images[0])
    places = np.linspace(0, count - 1, min(count, TRIED)).astype(int)
    conversion.tried = [images[places] for images in conversion.images]
    source, gathered = conversion.source, []
    for i in range(len(places)):
        given = [images[i : i + 1] for images in conversion.tried]
        gathered.append([keras.ops.convert_to_numpy(y) for y in outputs_for(source, given)])
    conversion.expected = [np.concatenate(of_one) for of_one in zip(*gathered, strict=True)]


MODEL_PASSES = (validate_request, take_rounding_away, build_out_unselected, read_calibration, prepare, lower, run_model)
