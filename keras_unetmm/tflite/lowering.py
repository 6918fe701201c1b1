# SPDX-License-Identifier: Apache-2.0
"""The model that is converted, by the name that users know: of `keras_unetmm.lowering.lowering`."""

from keras_unetmm.lowering.lowering import Lowered, UnknownLayerError, lower, lowered

__all__ = ["Lowered", "UnknownLayerError", "lower", "lowered"]
