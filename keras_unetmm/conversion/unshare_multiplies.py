# SPDX-License-Identifier: Apache-2.0
"""Products that end at 6 as operators of their own: the converter joins equal products, of which one may end earlier."""

from ai_edge_litert import schema_py_generated as schema

from keras_unetmm.tflite_file.edit import File


def unshare_multiplies(content, graph):
    """Returns a file of floats where each RELU6 of a product that others read as well is a MUL that ends at 6.

    As an operator behind the product it would read what the product's steps have left of small values.

    Args:
        content: bytes of a .tflite file before its values become bytes.
        graph: the same file as `keras_unetmm.tflite_file.graph.Graph`.
    """
    file, made = File(content), {number: operator for operator in graph.operators for number in operator.outputs}
    readers = [number for operator in graph.operators for number in operator.inputs]
    for position, operator in enumerate(graph.operators):
        product = made.get(operator.inputs[0]) if operator.name == "RELU6" else None
        if product is not None and product.name == "MUL" and readers.count(operator.inputs[0]) > 1:
            options = schema.MulOptionsT()
            options.fusedActivationFunction = schema.ActivationFunctionType.RELU6
            built = file.operator(schema.BuiltinOperator.MUL, 1, product.inputs, operator.outputs[0], options)
            file.main.operators[position] = built
    return file.packed()
