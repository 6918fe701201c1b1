# SPDX-License-Identifier: Apache-2.0
"""What the engine needs an interpreter for."""

import numpy as np

from keras_unetmm.interpreters.runtime import reference_runtime, run


def tables(content):
    """Returns what TFLM makes of all 256 bytes: the function that `keras_unetmm.engine.lower.lower` takes.

    Where TFLM is not installed, it is what LiteRT's reference kernels make of them.
    """
    values = np.arange(-128, 128).astype("int8").reshape(1, 16, 16, 1)
    return run(content, values, reference_runtime()).outputs[0].reshape(-1)
