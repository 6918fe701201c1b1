# SPDX-License-Identifier: Apache-2.0
"""The ranges that the converter quantises by: read from a calibrated file, and set where they must not be measured."""

from dataclasses import replace

import numpy as np

from keras_unetmm.lowering.scales import INPUT
from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.graph import read
from keras_unetmm.tflite_file.names import layer_of


class RangeError(ValueError):
    """A tensor of a file has not the range that it should have."""


BYTES = (0.0, 1.0)  # the range of a byte of a picture: scale 1/255
_MOVES = {  # bytes or chooses one of them: all inputs and outputs have one scale
    *("CONCATENATION", "RESHAPE", "SPLIT", "MAX_POOL_2D", "MAXIMUM", "MINIMUM", "DEPTH_TO_SPACE", "SPACE_TO_DEPTH"),
    *("STRIDED_SLICE", "SLICE", "PAD", "RESIZE_NEAREST_NEIGHBOR", "TRANSPOSE", "SQUEEZE", "EXPAND_DIMS", "MIRROR_PAD"),
    *("SPLIT_V", "REDUCE_MAX", "REDUCE_MIN"),
}
_CONVOLUTIONS = {"CONV_2D": (0, 1, 2), "TRANSPOSE_CONV": (2, 1, 3)}  # where the map, the kernel and the bias stand
_JOINS = {"CONCATENATION", "MAXIMUM", "MINIMUM"}
_MEANS = {"RESIZE_BILINEAR", "AVERAGE_POOL_2D"}  # of one scale as well


def with_ranges(content, graph, inputs=None, outputs=None, one_range=False):
    """Returns a calibrated file with other ranges.

    Args:
        content: bytes of a float .tflite file whose tensors have a `min` and a `max`, as calibration leaves it.
        graph: the same file as `keras_unetmm.tflite_file.graph.Graph`.
        inputs: `(min, max)` for all inputs; None to leave what was measured.
        outputs: list of the same or None, one for each output.
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
    ends = [(number, inputs, _only_from) for number in graph.inputs]
    ends += [(number, limits, _only_to) for number, limits in zip(graph.outputs, outputs or [], strict=False)]
    for number, limits, alone in ends:
        if limits is not None:
            group = next((group for group in groups if number in group and alone(graph, group)), [number])
            for same in group:
                _set(file.main.tensors[same], *limits)
    return file.packed()


def with_layer_ranges(content, graph, ranges):
    """Returns a calibrated file with the ranges of the layers that its tensors come from.

    Args:
        content, graph: as for `with_ranges`.
        ranges: `{name: (low, high)}` of the layers of the model that was converted; under `INPUT` that of its input, which
            is `BYTES` otherwise.

    Raises:
        RangeError: if a tensor comes from none of them.
    """
    file = File(content)
    for number, limits in layer_ranges(graph, ranges).items():
        _set(file.main.tensors[number], *limits)
    return file.packed()


def layer_ranges(graph, ranges):
    """Returns the range of each tensor that an operator of a file computes, `{number: (low, high)}`.

    Arguments and errors are those of `with_layer_ranges`.
    """
    names, last = list(ranges), list(ranges)[-1]
    found = dict.fromkeys(graph.inputs, tuple(ranges.get(INPUT, BYTES)))
    for operator in graph.operators:
        for number in operator.outputs:
            layer = last if number in graph.outputs else layer_of(graph.tensors[number].name, names)
            reads = {found[i] for i in operator.inputs if i in found}
            if operator.name in _MOVES and len(reads) == 1:
                found[number] = reads.pop()
            elif layer in ranges:
                found[number] = tuple(ranges[layer])
            else:
                raise RangeError(
                    "Every operator of a quantisation-aware model must come from a layer with a range. Received: "
                    f"{operator.name}, whose output is {graph.tensors[number].name!r}. Use layers, such as "
                    "keras.layers.Add, instead of operators and functions."
                )
    return found


def with_trained_scales(content, ranges):
    """Returns a converted file whose bytes mean what they meant in training, to the last bit of each scale.

    The converter has read the ranges as float32 numbers, which moves scales by one part in ten million; that decides
    between neighbours where a value lies half-way.

    Args:
        content: bytes of the converted file.
        ranges: as for `with_layer_ranges`.

    Raises:
        RangeError: if the converter has chosen other scales.
    """
    graph, file = read(content).main, File(content)
    quantised = replace(graph, operators=tuple(o for o in graph.operators if o.name not in ("QUANTIZE", "DEQUANTIZE")))
    for number, limits in layer_ranges(quantised, ranges).items():
        tensor = graph.tensors[number]
        scale, zero_point = scale_and_zero_point(*limits)
        if not np.isclose(tensor.scales[0], scale, rtol=1e-5) or tensor.zero_points[0] != zero_point:
            raise RangeError(
                f"The converter gave {tensor.name!r} another scale than the model was trained with: {tensor.scales[0]:.6g} "
                f"and zero point {tensor.zero_points[0]}, not {scale:.6g} and {zero_point}."
            )
        file.main.tensors[number].quantization.scale = np.array([scale], "float32")
    tensors = file.main.tensors
    for operator in graph.operators:  # what the converter has requantised to be joined
        for number in operator.inputs if operator.name in _JOINS else ():
            tensors[number].quantization.scale = tensors[operator.outputs[0]].quantization.scale
    return file.packed()


def with_trained_kernels(content, kernels):
    """Returns a converted file in which convolutions have the scales of whole kernels.

    Args:
        content: bytes of the converted file.
        kernels: `{name: (scales, biases)}` of layers whose kernels are whole multiples of these scales.
    """
    if not kernels:
        return content
    graph, file = read(content).main, File(content)
    for operator in graph.operators:
        layer = layer_of(graph.tensors[operator.outputs[0]].name, list(kernels))
        if operator.name not in _CONVOLUTIONS or layer is None:
            continue
        scales, biases = (np.array(values, "float32") for values in kernels[layer])
        x, weights, bias = (operator.inputs[i] if i < len(operator.inputs) else -1 for i in _CONVOLUTIONS[operator.name])
        given = graph.tensors[weights]
        values = given.data.view("int8").reshape(given.shape[0], -1)  # a row for each channel of the output
        values = np.round(values * (np.array(given.scales)[:, None] / scales[:, None])).astype("int8")
        unit = np.float32(graph.tensors[x].scales[0]) * scales
        steps = biases / unit
        steps = (np.sign(steps) * np.floor(np.abs(steps) + np.float32(0.5))).astype("int32")
        for number, constant, scale in ((weights, values, scales), (bias, steps, unit))[: 1 if bias < 0 else 2]:
            file.main.tensors[number].buffer = file.add_buffer(constant)
            file.main.tensors[number].quantization.scale = scale
    file.prune()
    return file.packed()


def scale_and_zero_point(low, high):
    """Returns the scale and the zero point of int8 values that cover `low` to `high` and zero."""
    low, high = min(float(low), 0.0), max(float(high), 0.0)
    scale = max((high - low) / 255, 1e-30)
    return scale, int(np.clip(np.round(-128 - low / scale), -128, 127))


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
        graph: `keras_unetmm.tflite_file.graph.Graph`.
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
