"""The ranges that the converter quantises by: read from a calibrated file, and set where they must not be measured."""

import numpy as np

from keras_unetmm.tflite.edit import File

BYTES = (0.0, 1.0)  # the range of a byte of a picture: scale 1/255
_MOVES = {  # bytes or chooses one of them: all inputs and outputs have one scale
    *("CONCATENATION", "RESHAPE", "SPLIT", "MAX_POOL_2D", "MAXIMUM", "MINIMUM", "DEPTH_TO_SPACE", "SPACE_TO_DEPTH"),
    *("STRIDED_SLICE", "SLICE", "PAD", "RESIZE_NEAREST_NEIGHBOR", "TRANSPOSE", "SQUEEZE", "EXPAND_DIMS", "MIRROR_PAD"),
}
_MEANS = {"RESIZE_BILINEAR", "AVERAGE_POOL_2D"}  # of one scale as well


def with_ranges(content, graph, inputs=None, outputs=None, one_range=False):
    """Returns a calibrated file with other ranges.

    Args:
        content: bytes of a float .tflite file whose tensors have a `min` and a `max`, as calibration leaves it.
        graph: the same file as `keras_unetmm.tflite.graph.Graph`.
        inputs: `(min, max)` for all inputs; None to leave what was measured.
        outputs: the same for all outputs.
        one_range: bool, whether tensors between which bytes are only moved get one range, that of all together. The
            converter would requantise them otherwise, each in an operator of its own.
    """
    file = File(content)
    for group in alike(graph, ("FLOAT32",)) if one_range else ():
        ranges = [found for found in (_range(file.main.tensors[number]) for number in group) if found is not None]
        if ranges:
            for number in group:
                _set(file.main.tensors[number], min(low for low, _ in ranges), max(high for _, high in ranges))
    groups = alike(graph, ("FLOAT32",), _MOVES)  # a mean of what was cut off is another than a mean that is cut off
    for numbers, limits, alone in ((graph.inputs, inputs, _only_from), (graph.outputs, outputs, _only_to)):
        for number in numbers if limits is not None else ():
            group = next((group for group in groups if number in group and alone(graph, group)), [number])
            for same in group:
                _set(file.main.tensors[same], *limits)
    return file.packed()


def measured(content, graph):
    """Returns the `(min, max)` that calibration measured for each output of a calibrated file."""
    file = File(content)
    return [_range(file.main.tensors[number]) for number in graph.outputs]


def _only_from(graph, group):
    """Whether all bytes of a group come from the graph's inputs."""
    made = [op for op in graph.operators if set(group) & set(op.outputs)]
    return all(op.name in _MOVES for op in made)


def _only_to(graph, group):
    """Whether all bytes of a group go to the graph's outputs."""
    read = [op for op in graph.operators if set(group) & set(op.inputs)]
    return all(op.name in _MOVES for op in read) and not set(group) & set(graph.inputs)


def _range(tensor):
    found = tensor.quantization
    if found is None or found.min is None or not len(found.min):
        return None
    return float(found.min[0]), float(found.max[0])


def _set(tensor, low, high):
    tensor.quantization.min = np.array([low], "float32")
    tensor.quantization.max = np.array([high], "float32")


def alike(graph, types, names=_MOVES | _MEANS):
    """Returns lists of tensors that must have one scale, because the operators between them know no other.

    Args:
        graph: `keras_unetmm.tflite.graph.Graph`.
        types: tuple of str, of tensors that have a range.
        names: set of str, of those operators.
    """
    leader = {}

    def first(number):
        while leader.setdefault(number, number) != number:
            number = leader[number]
        return number

    for operator in graph.operators:
        if operator.name in names:
            moved = [i for i in (*operator.inputs, *operator.outputs) if i >= 0 and graph.tensors[i].type in types]
            for number in moved:
                leader[first(number)] = first(moved[0])
    groups = {}
    for number in leader:
        groups.setdefault(first(number), []).append(number)
    return [group for group in groups.values() if len(group) > 1]
