# SPDX-License-Identifier: Apache-2.0
"""LiteRT, as on phones and PCs."""

from keras_unetmm.targets.interpreter_kernels import why_not_litert
from keras_unetmm.targets.judging import on_interpreter
from keras_unetmm.targets.options import LoweringOptions
from keras_unetmm.targets.target import Target


def _judge(model, content, compile):
    return on_interpreter("litert", model, content, why_not_litert, ask=compile)


TARGET = Target("litert", LoweringOptions(), _judge, runtime=("litert", "LiteRT"))
