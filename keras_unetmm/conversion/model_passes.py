"""The passes over the Keras model: what is asked for is checked, and every layer becomes one that has integer operators."""

import numpy as np

from keras_unetmm.conversion.post_training import OUTLIERS
from keras_unetmm.graph.expand import static_shape
from keras_unetmm.graph.finite import validate_finite_weights
from keras_unetmm.graph.own_functions import validate_no_own_functions
from keras_unetmm.graph.selected import without_unselected
from keras_unetmm.lowering.lowering import lowered
from keras_unetmm.lowering.prepare import kind_of, prepared
from keras_unetmm.quantization.calibration import calibration_images
from keras_unetmm.quantization.quantize import is_quantize_aware, output_of, plain, ranges_and_kernels, renewed

IO = ("int8", "uint8")
OUTPUTS = ("auto", "image", "probabilities", "values", "logits", "indices")


def validate_request(conversion):
    """Raises a `ValueError` for an argument or a model that cannot be."""
    asked = conversion.request
    for name, value, known in (
        ("io", asked.io, IO),
        ("output_kind", asked.output_kind, OUTPUTS),
        ("outliers", asked.outliers, OUTLIERS),
    ):
        if value not in known:
            raise ValueError(f"{name} must be one of {', '.join(map(repr, known))}. Received: {value!r}.")
    conversion.shape = static_shape(conversion.model, asked.size, ranks=(2, 3))
    validate_finite_weights(conversion.model)
    validate_no_own_functions(conversion.model)


def take_rounding_away(conversion):
    """Of a quantisation-aware model, keeps it to compare with, and goes on with the model without its rounding."""
    if is_quantize_aware(conversion.model):
        if conversion.request.mean is not None or conversion.request.std is not None:
            raise ValueError("mean and std are part of a quantisation-aware model. Leave them out.")
        conversion.trained = renewed(conversion.model)
        conversion.model, conversion.ranges = plain(conversion.model)
    outputs = conversion.model.outputs
    if len(outputs) != 1:
        raise ValueError(
            f"model must have one output. Received: {len(outputs)} outputs. Convert keras.Model(model.inputs, one of "
            "model.outputs) for each."
        )


def build_out_unselected(conversion):
    """Builds out the channels that gates have switched off."""
    conversion.model = without_unselected(conversion.model)


def read_calibration(conversion):
    """Reads the calibration images; a quantisation-aware model can do without."""
    if conversion.ranges is not None and conversion.request.calibration is None:
        conversion.images = np.zeros(conversion.shape, "float32")
    else:
        conversion.images = calibration_images(conversion.request.calibration, conversion.shape, stacklevel=6)


def prepare(conversion):
    """Puts the normalisation in front, and takes the probabilities away that nobody asks for."""
    asked, needed = conversion.request, conversion.ranges is None
    conversion.source = prepared(conversion.model, conversion.shape, asked.output_kind, asked.mean, asked.std, needed=needed)


def lower(conversion):
    """Replaces the layers for which the target has no integer operator, and says what the output is."""
    asked = conversion.request
    made = lowered(conversion.source, asked.target, conversion.shape, **asked.choices)
    if made.model.outputs[0] is made.model.inputs[0]:
        raise ValueError(f"model must compute something. Received: {conversion.model.name}, whose output is its input.")
    if conversion.ranges is not None:
        conversion.ranges, conversion.kernels = ranges_and_kernels(made, conversion.ranges)
    conversion.lowered, conversion.network, conversion.output = made, made.model, asked.output_kind
    if asked.output_kind == "auto":
        kind = kind_of(made.source)
        if conversion.trained is not None:
            conversion.output = output_of(conversion.trained, kind)
        elif kind != "image":
            conversion.output = kind


MODEL_PASSES = (validate_request, take_rounding_away, build_out_unselected, read_calibration, prepare, lower)
