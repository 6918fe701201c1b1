# SPDX-License-Identifier: Apache-2.0
"""All passes of a conversion, in their order."""

from keras_unetmm.conversion.file_passes import FILE_PASSES
from keras_unetmm.conversion.model_passes import MODEL_PASSES
from keras_unetmm.conversion.tensorflow_passes import convert_under_tensorflow

PASSES = (*MODEL_PASSES, convert_under_tensorflow, *FILE_PASSES)
