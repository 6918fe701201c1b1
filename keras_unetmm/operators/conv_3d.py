# SPDX-License-Identifier: Apache-2.0
"""CONV_3D: windows of volumes, times weights of the shape (depth, height, width, in, out)."""

import math

from keras_unetmm.operators.shared.rules import OperatorRules
from keras_unetmm.tflite_file.operands import Operands


def _macs(operands: Operands) -> int:
    output = operands.outputs[0].shape
    return math.prod(output) * math.prod(operands.inputs[1].shape) // output[-1]


RULES = OperatorRules("CONV_3D", macs=_macs)
