import numpy as np
from ai_edge_litert import schema_py_generated as schema
from tflite import files

from keras_unetmm.conversion.ranges import alike, measured, with_ranges
from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.graph import read

SHAPE = (1, 4, 4, 2)


def calibrated():
    """RELU t0 -> t1, t1 and t0 beside each other -> t2, RELU t2 -> t3; tensor i has the range -i to i + 1."""
    beside = schema.ConcatenationOptionsT()
    beside.axis = 3
    operators = [("RELU", [0], [1], None), ("CONCATENATION", [1, 0], [2], beside), ("RELU", [2], [3], None)]
    wide = (1, 4, 4, 4)
    file = File(files.build([(SHAPE, None), (SHAPE, None), (wide, None), (wide, None)], operators, [0], [3]))
    for i, tensor in enumerate(file.main.tensors):
        tensor.type, tensor.quantization = schema.TensorType.FLOAT32, schema.QuantizationParametersT()
        tensor.quantization.min, tensor.quantization.max = np.array([-i], "float32"), np.array([i + 1], "float32")
    return file.packed()


def ranges(content):
    return [(float(t.quantization.min[0]), float(t.quantization.max[0])) for t in File(content).main.tensors]


def test_ranges_are_set_where_asked_and_nowhere_else():
    content = calibrated()
    graph = read(content).main
    assert measured(content, graph) == [(-3.0, 4.0)]
    assert ranges(with_ranges(content, graph)) == ranges(content)
    assert ranges(with_ranges(content, graph, inputs=(0, 1))) == [(0, 1), (-1, 2), (-2, 3), (-3, 4)]
    assert ranges(with_ranges(content, graph, outputs=[(0, 1)])) == [(0, 1), (-1, 2), (-2, 3), (0, 1)]


def test_tensors_with_the_same_bytes_get_one_range():
    content = calibrated()
    graph = read(content).main
    assert [sorted(group) for group in alike(graph, ("FLOAT32",))] == [[0, 1, 2]]
    assert ranges(with_ranges(content, graph, one_range=True)) == [(-2, 3), (-2, 3), (-2, 3), (-3, 4)]
