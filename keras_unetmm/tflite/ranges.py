"""The ranges that the converter quantises by: read from a calibrated file, and set where they must not be measured."""

import numpy as np

from keras_unetmm.tflite.edit import File

BYTES = (0.0, 1.0)  # the range of a byte of a picture: scale 1/255
_SAME_SCALE = {  # of all inputs and outputs: their kernels only move bytes or choose one
    *("CONCATENATION", "RESHAPE", "SPLIT", "MAX_POOL_2D", "MAXIMUM", "MINIMUM", "DEPTH_TO_SPACE", "SPACE_TO_DEPTH"),
    *("STRIDED_SLICE", "SLICE", "PAD", "RESIZE_NEAREST_NEIGHBOR", "TRANSPOSE", "SQUEEZE", "EXPAND_DIMS"),
}


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
    for numbers, limits in ((graph.inputs, inputs), (graph.outputs, outputs)):
        for number in numbers:
            if limits is not None:
                _set(file.main.tensors[number], *limits)
    if one_range:
        for group in alike(graph, ("FLOAT32",)):
            ranges = [_range(file.main.tensors[number]) for number in group]
            ranges = [found for found in ranges if found is not None]
            if ranges:
                low, high = min(r[0] for r in ranges), max(r[1] for r in ranges)
                for number in group:
                    _set(file.main.tensors[number], low, high)
    return file.packed()


def measured(content, graph):
    """Returns the `(min, max)` that calibration measured for each output of a calibrated file."""
    file = File(content)
    return [_range(file.main.tensors[number]) for number in graph.outputs]


def _range(tensor):
    found = tensor.quantization
    if found is None or found.min is None or not len(found.min):
        return None
    return float(found.min[0]), float(found.max[0])


def _set(tensor, low, high):
    tensor.quantization.min = np.array([low], "float32")
    tensor.quantization.max = np.array([high], "float32")


def alike(graph, types):
    """Returns lists of tensors between which bytes are only moved, so that all of a list must have one scale.

    Args:
        graph: `keras_unetmm.tflite.graph.Graph`.
        types: tuple of str, of tensors that have a range.
    """
    leader = {}

    def first(number):
        while leader.setdefault(number, number) != number:
            number = leader[number]
        return number

    for operator in graph.operators:
        if operator.name in _SAME_SCALE:
            moved = [i for i in (*operator.inputs, *operator.outputs) if i >= 0 and graph.tensors[i].type in types]
            for number in moved:
                leader[first(number)] = first(moved[0])
    groups = {}
    for number in leader:
        groups.setdefault(first(number), []).append(number)
    return [group for group in groups.values() if len(group) > 1]
