# SPDX-License-Identifier: Apache-2.0
"""ELU of integers: the converter leaves it in floats, though the interpreters have a table of bytes for it."""

from ai_edge_litert import schema_py_generated as schema

from keras_unetmm.tflite_file.edit import File


def with_integer_elu(content, graph):
    """Returns a quantised file in which each ELU between a DEQUANTIZE and a QUANTIZE reads and gives their bytes.

    Args:
        content: bytes of the file.
        graph: the same file as `keras_unetmm.tflite_file.graph.Graph`.
    """
    made = {number: operator for operator in graph.operators for number in operator.outputs}
    elus = [o for o in graph.operators if o.name == "ELU" and _made_by(made, o) == "DEQUANTIZE"]
    elus = {o.outputs[0]: made[o.inputs[0]].inputs[0] for o in elus if _only_quantised(graph, o.outputs[0])}
    if not elus:
        return content
    file, kept = File(content), []
    for operator, entry in zip(graph.operators, file.main.operators, strict=True):
        if operator.name == "QUANTIZE" and operator.inputs[0] in elus:
            kept.append(file.operator(schema.BuiltinOperator.ELU, 1, [elus[operator.inputs[0]]], operator.outputs[0], None))
        elif operator.outputs[0] not in elus:
            kept.append(entry)
    read = {int(number) for entry in kept for number in entry.inputs} | {int(number) for number in file.main.outputs}
    floats = {operator.outputs[0] for operator in graph.operators if operator.name == "DEQUANTIZE"}
    file.main.operators = [entry for entry in kept if int(entry.outputs[0]) not in floats - read]
    file.prune()
    return file.packed()


def _made_by(made, operator):
    return made[operator.inputs[0]].name if operator.inputs[0] in made else None


def _only_quantised(graph, number):
    """Whether a tensor is read, and by QUANTIZE alone."""
    readers = [operator.name for operator in graph.operators if number in operator.inputs]
    return number not in graph.outputs and bool(readers) and set(readers) == {"QUANTIZE"}
