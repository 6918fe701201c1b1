# SPDX-License-Identifier: Apache-2.0
"""TensorFlow Lite for Microcontrollers."""

from keras_unetmm.targets.interpreter_kernels import why_not_tflm
from keras_unetmm.targets.judging import on_interpreter
from keras_unetmm.targets.options import LoweringOptions
from keras_unetmm.targets.target import Target


def _judge(model, content, compile):
    return on_interpreter("tflm", model, content, why_not_tflm, ask=compile)


TARGET = Target(
    "tflm", LoweringOptions(gelu="sigmoid", upconvolution="shuffle", gate="largest"), _judge, runtime=("tflm", "TFLM")
)
