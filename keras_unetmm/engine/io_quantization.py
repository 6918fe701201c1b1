# SPDX-License-Identifier: Apache-2.0
"""Files with float ends: what they quantise first and turn back into floats last is left to the caller."""

import numpy as np

from keras_unetmm.tflite_file import graph as tflite_graph
from keras_unetmm.tflite_file.edit import File


def integer_io(content):
    """Returns the bytes of a file whose inputs and outputs are the integers behind QUANTIZE and before DEQUANTIZE.

    A float input that one QUANTIZE alone reads is dropped with it; a float output that a DEQUANTIZE makes likewise. Other
    files come back as they are.

    Args:
        content: bytes of a .tflite file.
    """
    graph = tflite_graph.read(content).main
    inputs, outputs, dropped = list(graph.inputs), list(graph.outputs), set()
    for place, tensor in enumerate(inputs):
        readers = [p for p, operator in enumerate(graph.operators) if tensor in operator.inputs]
        if len(readers) == 1 and tensor not in outputs and graph.tensors[tensor].type == "FLOAT32":
            operator = graph.operators[readers[0]]
            if operator.name == "QUANTIZE":
                inputs[place] = operator.outputs[0]
                dropped.add(readers[0])
    for place, tensor in enumerate(outputs):
        maker = next((p for p, operator in enumerate(graph.operators) if tensor in operator.outputs), None)
        if maker is not None and graph.operators[maker].name == "DEQUANTIZE":
            outputs[place] = graph.operators[maker].inputs[0]
            dropped.add(maker)
    if not dropped:
        return content
    file = File(content)
    file.remove_plan()
    main = file.main
    main.operators = [operator for p, operator in enumerate(main.operators) if p not in dropped]
    main.inputs, main.outputs = np.array(inputs, "int32"), np.array(outputs, "int32")
    others = [signature for signature in file.model.signatureDefs or [] if signature.subgraphIndex]
    file.model.signatureDefs = others or None  # that of the first graph names the float ends
    file.prune()
    return file.packed()
