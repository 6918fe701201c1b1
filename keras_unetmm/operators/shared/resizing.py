# SPDX-License-Identifier: Apache-2.0
"""Resizing by a power of two."""

from keras_unetmm.operators.shared.rules import Fields, GlobalOperatorError, ReceptiveField
from keras_unetmm.tflite_file.operands import Operands


def receptive_field(operands: Operands, between: bool) -> Fields:
    """Returns the receptive field of a resize; `between` says whether it weighs two neighbouring places.

    Raises:
        GlobalOperatorError: for a factor that is not the same in every tile.
    """
    fields = []
    for given, made in zip(operands.map.shape[1:3], operands.output.shape[1:3], strict=True):
        factor = made // given
        if made != factor * given or factor & (factor - 1) or operands.option("AlignCorners"):
            raise GlobalOperatorError(
                f"it resizes {given} places to {made}. Only factors of 2, 4, 8, ... without align_corners are the same in "
                "every tile"
            )
        fields.append(ReceptiveField(factor=factor, between=between and factor > 1))
    if between and not operands.option("HalfPixelCenters"):
        raise GlobalOperatorError("it resizes without half_pixel_centers. Use UpSampling2D, which has them")
    return fields[0], fields[1]
