"""Multiply-accumulates of the operators of a .tflite graph: weights times positions, biases not counted."""

import math


def macs(graph):
    """Returns the multiply-accumulates of one run of a graph; operators without a matrix product have none."""
    return sum(operator_macs(graph, operator) for operator in graph.operators)


def operator_macs(graph, operator):
    """Returns the multiply-accumulates of one operator, an int."""

    def shape(indices, i):
        return graph.tensors[indices[i]].shape

    match operator.name:
        case "CONV_2D" | "CONV_3D":  # CONV_2D kernels are (out, h, w, in), CONV_3D's (d, h, w, in, out)
            kernel, output = shape(operator.inputs, 1), shape(operator.outputs, 0)
            return math.prod(output) * math.prod(kernel) // output[-1]
        case "DEPTHWISE_CONV_2D":  # (1, h, w, out)
            return math.prod(shape(operator.outputs, 0)) * math.prod(shape(operator.inputs, 1)[1:3])
        case "TRANSPOSE_CONV":  # (out, h, w, in); each input pixel meets the whole kernel
            kernel, source = shape(operator.inputs, 1), shape(operator.inputs, 2)
            return math.prod(source) * math.prod(kernel[:3])
        case "FULLY_CONNECTED":
            return math.prod(shape(operator.outputs, 0)) * shape(operator.inputs, 1)[-1]
        case "BATCH_MATMUL":
            left = shape(operator.inputs, 0)
            inner = left[-2] if operator.options is not None and operator.options.AdjX() else left[-1]
            return math.prod(shape(operator.outputs, 0)) * inner
    return 0
