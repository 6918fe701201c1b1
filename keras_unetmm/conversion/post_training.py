# SPDX-License-Identifier: Apache-2.0
"""The ranges of a network's values, measured on calibration images.

TensorFlow's calibrator reads a tensor after an ADD or MUL has overwritten it in place, and so gives a residual branch the
range of the sum: a branch far smaller than the trunk then has no signal left in int8. Here every tensor is an output of
the file while it is measured, which nothing overwrites.
"""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_unetmm.conversion.ranges import RangeError
from keras_unetmm.interpreters.runtime import run
from keras_unetmm.quantization.histograms import SMALL, Histogram
from keras_unetmm.tflite_file.edit import File

OUTLIERS = ("cut", "keep")
_AT_ONCE = 2**27  # bytes of tensors that are measured together
_SAME = {  # their output has their first input's scale
    *("RESHAPE", "SPLIT", "MAX_POOL_2D", "AVERAGE_POOL_2D", "DEPTH_TO_SPACE", "SPACE_TO_DEPTH", "STRIDED_SLICE", "SLICE"),
    *("PAD", "MIRROR_PAD", "RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR", "TRANSPOSE", "SQUEEZE", "EXPAND_DIMS", "SPLIT_V"),
}


def histograms(content, graph, images):
    """Returns the `Histogram` of every float tensor that an operator of a file computes, by its number.

    One image at a time, and of a large network some tensors at a time: the memory that it takes does not grow with either.

    Args:
        content: bytes of a .tflite file of floats.
        graph: the same file as `keras_unetmm.tflite_file.graph.Graph`.
        images: iterable of lists of float32 arrays, one for each input, of its shape.

    Raises:
        RangeError: if a value is not finite.
    """
    numbers = [n for operator in graph.operators for n in operator.outputs if n >= 0]
    numbers = [n for n in dict.fromkeys(numbers) if graph.tensors[n].type == "FLOAT32"]
    files = [(group, _giving(content, group)) for group in _groups(graph, numbers)]
    found = {number: Histogram() for number in numbers}
    for image in images:
        for group, file in files:
            for number, array in zip(group, run(file, image, "litert").outputs, strict=True):
                if not np.isfinite(array).all():
                    raise RangeError(
                        f"The model must give finite values. Received: {graph.tensors[number].name!r}, which overflows on "
                        "the calibration images. Train it again, or convert an earlier step."
                    )
                found[number].add(array)
    return found


def chosen_ranges(graph, found, outliers="cut"):
    """Returns the range of each tensor that is to become bytes, `{number: (low, high)}`.

    Args:
        graph: as for `histograms`.
        found: what that returned.
        outliers: `"cut"` leaves out one value in 10,000 at either end, unless a hundredth of the sum of squares goes with
            them: few values may be all that a tensor has to say. Of squares that end at 6, beside equal ones that do not, it
            keeps those up to a sixteenth of the others' range. `"keep"` leaves out none. What the file gives is never cut.
    """
    whole = _given(graph)
    ranges = {
        number: values.cut() if outliers == "cut" and number not in whole else (values.low, values.high)
        for number, values in found.items()
    }
    energies = {}  # the range of all squares, by the tensor that is squared
    for operator in graph.operators:
        if operator.name in _SAME:
            read = next((number for number in operator.inputs if number in ranges), None)
            ranges.update((n, ranges[read]) for n in operator.outputs if read is not None and n in ranges)
        elif outliers == "cut" and operator.name == "MUL" and len(set(operator.inputs)) == 1:
            (read,), (square,) = set(operator.inputs), operator.outputs  # no larger than what is left of the factors
            if square not in whole and not _ends(operator):
                largest = max(abs(limit) for limit in ranges.get(read, (0, np.inf))) ** 2
                energies[read] = min(found[square].high, largest)
                ranges[square] = (0.0, energies[read])
    for operator in graph.operators:
        if operator.name == "MUL" and operator.inputs[0] in energies and len(set(operator.inputs)) == 1 and _ends(operator):
            (square,) = operator.outputs
            ranges[square] = (0.0, min(found[square].high, SMALL * energies[operator.inputs[0]]))
    _share_ranges_of_choices(graph, ranges)
    return ranges


def _share_ranges_of_choices(graph, ranges):
    """Gives MAXIMUM and MINIMUM, which know one scale, the range of all they read, if others read that as well.

    The converter would give it the range of the result, and cut off what the others read. The largest of a whole map is
    what was cut off of the map, which therefore gets its range, too.
    """
    readers = [number for operator in graph.operators for number in operator.inputs]
    for operator in graph.operators:
        reads = [number for number in operator.inputs if number in ranges]
        several = any(readers.count(number) > 1 for number in reads)
        if operator.name in ("REDUCE_MAX", "REDUCE_MIN") or (operator.name in ("MAXIMUM", "MINIMUM") and several):
            group = [*reads, *operator.outputs]
            limits = min(ranges[n][0] for n in group), max(ranges[n][1] for n in group)
            ranges.update(dict.fromkeys(group, limits))


def _ends(operator):
    """Whether a product ends at 6."""
    return operator.options is not None and operator.options.FusedActivationFunction() == schema.ActivationFunctionType.RELU6


def with_tensor_ranges(content, ranges):
    """Returns a calibrated file with other ranges, `{number: (low, high)}`."""
    file = File(content)
    for number, (low, high) in ranges.items():
        tensor = file.main.tensors[number]
        tensor.quantization = tensor.quantization or schema.QuantizationParametersT()
        tensor.quantization.min, tensor.quantization.max = np.array([low], "float32"), np.array([high], "float32")
    return file.packed()


def _given(graph):
    """The outputs of a file, and what only becomes an output by being moved."""
    given = set(graph.outputs)
    for operator in reversed(graph.operators):
        if operator.name in _SAME and given >= set(operator.outputs):
            given.add(next((number for number in operator.inputs if graph.tensors[number].type == "FLOAT32"), -1))
    return given


def _groups(graph, numbers):
    groups, filled = [[]], 0
    for number in numbers:
        size = graph.tensors[number].bytes
        if groups[-1] and filled + size > _AT_ONCE:
            groups.append([])
            filled = 0
        groups[-1].append(number)
        filled += size
    return groups


def _giving(content, numbers):
    """The file with these tensors for its outputs."""
    file = File(content)
    file.main.outputs = np.array(numbers, "int32")
    file.model.signatureDefs = None
    return file.packed()
