# SPDX-License-Identifier: Apache-2.0
"""TFLite_Detection_PostProcess, a custom operator: the best boxes, without those that cover each other."""

import math

from keras_unetmm.operators.shared.custom_options import number
from keras_unetmm.operators.shared.rules import OperatorRules
from keras_unetmm.tflite_file.operands import Operands


def _scratch(operands: Operands, kernels: str) -> tuple[int, ...]:
    boxes, scores, options = operands.input(0), operands.input(1), operands.options
    count, most, classes = boxes.shape[1], number(options, "max_detections"), number(options, "num_classes")
    numbers = (4 * count, math.prod(scores.shape[1:]), count, count, most * count, most * count, count, most * count)
    return (count, *(4 * n for n in (*numbers, max(classes, most) * count, min(count, most) * count)))


RULES = OperatorRules("TFLite_Detection_PostProcess", custom=True, scratch=_scratch)
