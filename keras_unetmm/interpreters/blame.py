# SPDX-License-Identifier: Apache-2.0
"""The operator of a file at which something goes wrong, found by halving: an interpreter that aborts does not say."""

import numpy as np

from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.graph import DAMAGE, read

_MOST_BYTES = 2**26  # of a file that is looked into: it is packed again for every try


def first_operator(content, fails):
    """Returns the position and the name of the first operator with which a file fails, or None if that cannot be said.

    Args:
        content: bytes of a .tflite file that fails.
        fails: function of the bytes of a file that begins like it; whether that one fails, too.
    """
    if len(content) > _MOST_BYTES:
        return None
    try:
        operators = read(content).main.operators
        passing, failing = 0, len(operators)
        if not operators or not fails(first_operators(content, failing)):
            return None
        while failing - passing > 1:
            middle = (passing + failing) // 2
            passing, failing = (passing, middle) if fails(first_operators(content, middle)) else (middle, failing)
    except DAMAGE:
        return None
    return failing - 1, operators[failing - 1].name


def first_operators(content, count):
    """Returns the bytes of a file with its first so many operators, which gives what the last of them makes."""
    file = File(content)
    main = file.main
    main.operators = main.operators[:count]
    made = [int(index) for index in main.operators[-1].outputs if index >= 0]
    main.outputs = np.array(made, "int32")
    file.model.signatureDefs = None  # it may name what is not made any more
    return file.packed()
