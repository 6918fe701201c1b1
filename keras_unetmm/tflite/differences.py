# SPDX-License-Identifier: Apache-2.0
"""What each replaced layer changes, by the name that users know: of `keras_unetmm.lowering.differences`."""

from keras_unetmm.lowering.differences import Difference, differences

__all__ = ["Difference", "differences"]
