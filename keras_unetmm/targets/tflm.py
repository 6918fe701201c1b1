# SPDX-License-Identifier: Apache-2.0
"""TensorFlow Lite for Microcontrollers."""

from keras_unetmm.targets.interpreter_kernels import why_not_tflm, with_types_unknown_to_tflm
from keras_unetmm.targets.judging import on_interpreter
from keras_unetmm.targets.options import LoweringOptions
from keras_unetmm.targets.target import Target


def _judge(model, content, compile):
    refused = {
        id(graph.operators[position]): said
        for graph in model.graphs
        for position, said in with_types_unknown_to_tflm(graph).items()
        if graph.operators
    }

    def why_not(graph, operator):
        return why_not_tflm(graph, operator) or refused.get(id(operator))

    return on_interpreter("tflm", model, content, why_not, ask=compile)


TARGET = Target(
    "tflm", LoweringOptions(gelu="sigmoid", upconvolution="shuffle", gate="largest"), _judge, runtime=("tflm", "TFLM")
)
