# SPDX-License-Identifier: Apache-2.0
"""RELU6 as an operator of its own whose output has another scale: TFLM's kernel cuts bytes and leaves them as they are.

LiteRT's multiplies, so that one file would give two results. RELU multiplies in both, and bytes that end at 6 cut there.
"""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.graph import read

_RELU_VERSION = 2  # of int8
_END = 6.0


def with_scaled_relu6(content):
    """Returns a quantised file with a RELU for each RELU6 between two scales; where bytes go beyond 6, a MINIMUM too.

    Args:
        content: bytes of the file.
    """
    graph, file, operators = read(content).main, File(content), []
    rescaling = {position for position, operator in enumerate(graph.operators) if _rescales(graph, operator)}
    if not rescaling:
        return content
    for position, operator in enumerate(file.main.operators):
        operators.append(operator)
        if position in rescaling:
            operator.opcodeIndex = file.operator_code(schema.BuiltinOperator.RELU, _RELU_VERSION)
            operators += _end_at_six(file, operator, graph.tensors[graph.operators[position].outputs[0]])
    file.main.operators = operators
    file.prune_codes()
    return file.packed()


def _end_at_six(file, relu, output):
    """The MINIMUM that a RELU needs whose bytes go beyond 6, as a list of one or none."""
    limits = np.iinfo(output.type.lower())
    end = round(_END / output.scales[0]) + output.zero_points[0]
    if end >= limits.max:
        return []
    number = int(relu.outputs[0])
    longer = file.add_tensor(number, output.shape, "/longer")
    six = file.add_tensor(number, (1,), "/six", data=np.array([end], limits.dtype))
    relu.outputs = np.array([longer], "int32")
    return [file.operator(schema.BuiltinOperator.MINIMUM, 2, [longer, six], number, schema.MaximumMinimumOptionsT())]


def _rescales(graph, operator):
    if operator.name != "RELU6":
        return False
    source, output = (graph.tensors[number] for number in (operator.inputs[0], operator.outputs[0]))
    same = source.scales[:1] == output.scales[:1] and source.zero_points[:1] == output.zero_points[:1]
    return output.type in ("INT8", "UINT8") and not same
