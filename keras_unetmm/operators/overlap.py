"""Where an operator's output may lie over its input in memory, for a named library of kernels.

A kernel reads and writes in a known order. If it never writes a byte that it still has to read, the output may take the
input's place. D is the input's address minus the output's; measured on TFLM and read in CMSIS-NN.
"""

import math
from dataclasses import dataclass

import numpy as np
from ai_edge_litert import schema_py_generated as schema

KERNELS = ("any", "reference", "cmsis-nn")  # "any" is safe for both libraries
_UNARY = {
    *("LOGISTIC", "TANH", "RELU", "RELU6", "RELU_N1_TO_1", "LEAKY_RELU", "ELU", "HARD_SWISH", "ABS", "NEG", "RSQRT"),
    *("PRELU", "QUANTIZE", "DEQUANTIZE"),
}
_BINARY = {"ADD", "SUB", "MUL", "SQUARED_DIFFERENCE", "MAXIMUM", "MINIMUM"}
_COPIES = {"RESHAPE", "SQUEEZE", "EXPAND_DIMS"}
_TYPES = {"INT8", "UINT8", "INT16", "INT32", "FLOAT32"}  # of which the kernels' order is known
_WIDEST_DEPTHWISE = 124  # channels: CMSIS-NN walks wider maps block by block of channels on Helium
_MOST_PLACES = 2**20  # along an axis: larger maps are not looked at, so that a few bytes of file cannot ask for memory

_MOST_STEPS = 2**24  # of a walk over a whole map: the verifier proves no overlap that takes more
_ALIGNMENT = 16  # bytes, of addresses


@dataclass(frozen=True)
class Walk:
    """Bytes from the start of a map for a walk over its rows and columns: at (i, j) `rows[i] + columns[j]`."""

    rows: np.ndarray
    columns: np.ndarray


@dataclass(frozen=True)
class Overlap:
    """How an input and an output of one operator may overlap.

    Attributes:
        input, output: int, tensors of the graph.
        least: int, bytes: any D from this on is safe if the input dies there; None if no such D is.
        same: int, bytes: at this D the operator copies bytes onto themselves, whether the input dies there or not; or None.
    """

    input: int
    output: int
    least: int | None = None
    same: int | None = None


def overlaps(graph, operator, kernels="any"):
    """Returns a tuple of every `Overlap` of an operator's inputs and outputs that `kernels` allows.

    Raises:
        ValueError: for an unknown library of kernels.
    """
    if kernels not in KERNELS:
        raise ValueError(f"kernels must be one of {', '.join(map(repr, KERNELS))}. Received: {kernels!r}.")
    tensors, name = graph.tensors, operator.name
    if not operator.outputs or not operator.inputs:
        return ()
    output = operator.outputs[0]
    found = []
    if name in _UNARY:
        found = [_elementwise(tensors, operator.inputs[0], output)]
    elif name in _BINARY:
        found = [_elementwise(tensors, index, output) for index in dict.fromkeys(operator.inputs)]
    elif name in _COPIES and tensors[operator.inputs[0]].arena_bytes == tensors[output].arena_bytes:
        found = [Overlap(operator.inputs[0], output, same=0)]
    elif name == "CONCATENATION":
        found = _pieces(tensors, operator.inputs, output, operator.options.Axis(), is_input=True)
    elif name in ("SPLIT", "SPLIT_V"):
        source = operator.inputs[1 if name == "SPLIT" else 0]
        axis = _constant(tensors[operator.inputs[0 if name == "SPLIT" else 2]])
        found = [] if axis is None else _pieces(tensors, operator.outputs, source, axis, is_input=False)
    elif _reads_windows(tensors, operator, kernels):
        source = operator.inputs[0]
        found = [Overlap(source, output, least=_distance(*_window_order(tensors[source], tensors[output], operator, graph)))]
    elif name in ("DEPTH_TO_SPACE", "SPACE_TO_DEPTH") and _shuffles(tensors, operator):
        source, block = operator.inputs[0], operator.options.BlockSize()
        found = [Overlap(source, output, least=_distance(*_shuffle_order(tensors[source], tensors[output], name, block)))]
    live = [o for o in found if o and o.input >= 0 and tensors[o.input].arena_bytes and not tensors[o.input].variable]
    live = [o for o in live if o.least is None or _steps(tensors[o.input], tensors[o.output], name) <= _MOST_STEPS]
    live = [o for o in live if {tensors[o.input].type, tensors[o.output].type} <= _TYPES]
    return tuple(o for o in live if list(operator.inputs).count(o.input) == 1 or name in _BINARY)


def _steps(a, b, name):
    """In how many steps the verifier goes through two maps, at most: by what divides their pixels and all addresses."""
    if name in _UNARY or name in _BINARY:
        groups = (_ALIGNMENT,) if a.element_bytes == b.element_bytes else (a.element_bytes, b.element_bytes)
    else:
        groups = (min(a.shape[3], b.shape[3]) * a.element_bytes, a.shape[3] * a.element_bytes, b.shape[3] * b.element_bytes)
    return max(a.arena_bytes, b.arena_bytes) // math.gcd(_ALIGNMENT, *groups)


def _elementwise(tensors, source, output):
    """Element t is read, then element t is written: the output may not run ahead."""
    a, b = tensors[source], tensors[output]
    if a.shape != b.shape:
        return None
    grown = b.element_bytes - a.element_bytes
    return Overlap(source, output, least=max(0, (math.prod(b.shape) - 1) * grown))


def _pieces(tensors, pieces, whole, axis, is_input):
    """Pieces that lie one after the other in the whole: in place, there is nothing to copy."""
    shape = tensors[whole].shape
    if math.prod(shape[: axis % len(shape)]) != 1:
        return []
    sizes = [math.prod(tensors[piece].shape) * tensors[piece].element_bytes for piece in pieces]
    if sum(sizes) != math.prod(shape) * tensors[whole].element_bytes:
        return []
    result, position = [], 0
    for piece, size in zip(pieces, sizes, strict=True):
        if position % 16 == 0:
            result.append(Overlap(piece, whole, same=position) if is_input else Overlap(whole, piece, same=-position))
        position += size
    return result


def _reads_windows(tensors, operator, kernels):
    """Whether the operator slides a window over one image, pixel by pixel, all channels of a pixel before the next."""
    name, source, output = operator.name, tensors[operator.inputs[0]], tensors[operator.outputs[0]]
    if len(source.shape) != 4 or len(output.shape) != 4 or output.shape[0] != 1 or max(output.shape[1:3]) > _MOST_PLACES:
        return False
    if name in ("MAX_POOL_2D", "AVERAGE_POOL_2D"):
        return True
    if name not in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        return False
    weights = tensors[operator.inputs[1]]
    kernel = weights.shape
    if name == "CONV_2D" and kernel[3] != source.shape[3]:
        return False
    if kernels == "reference":
        return True
    if source.type not in ("INT8", "FLOAT32") or weights.type != source.type:
        return False
    if name == "CONV_2D":  # CMSIS-NN takes 1x1 kernels channel by channel, and 1xN kernels in three parts
        return kernel[1] > 1
    return output.shape[3] == source.shape[3] <= _WIDEST_DEPTHWISE


def _window_order(source, output, operator, graph):
    """Where each output pixel ends, and the first byte that it reads, in the order of computing: `Walk`s."""
    options, (_, height, width, channels) = operator.options, source.shape
    if operator.name.endswith("POOL_2D"):
        kernel, dilation = (options.FilterHeight(), options.FilterWidth()), (1, 1)
    else:
        kernel = graph.tensors[operator.inputs[1]].shape[1:3]
        dilation = (options.DilationHFactor(), options.DilationWFactor())
    strides = (options.StrideH(), options.StrideW())
    first = []
    for size, made, k, stride, d in zip((height, width), output.shape[1:3], kernel, strides, dilation, strict=True):
        same = options.Padding() == schema.Padding.SAME
        before = max((made - 1) * stride + (k - 1) * d + 1 - size, 0) // 2 if same else 0
        start = np.arange(made) * stride - before
        inside = np.where(start < 0, start + -(start // d) * d, start)  # the first tap inside the image
        first.append(np.minimum(inside, size))  # a window behind it reads nothing
    place, pixel = channels * source.element_bytes, output.shape[3] * output.element_bytes
    rows, columns = (np.arange(made) for made in output.shape[1:3])
    writes_end = Walk(rows * len(columns) * pixel, (columns + 1) * pixel)
    return writes_end, Walk(first[0] * width * place, first[1] * place)


def _shuffle_order(source, output, name, block):
    """Chunks of one small pixel's channels, in the order of the large map: `Walk`s."""
    large, small = (output, source) if name == "DEPTH_TO_SPACE" else (source, output)
    _, height, width, channels = large.shape
    rows, columns = np.arange(height), np.arange(width)
    in_large = Walk(rows * width * channels, columns * channels)
    in_small = Walk(
        (rows // block) * small.shape[2] * small.shape[3] + rows % block * block * channels,
        (columns // block) * small.shape[3] + columns % block * channels,
    )
    writes, reads = (in_large, in_small) if name == "DEPTH_TO_SPACE" else (in_small, in_large)
    writes_end = Walk(writes.rows * output.element_bytes, (writes.columns + channels) * output.element_bytes)
    return writes_end, Walk(reads.rows * source.element_bytes, reads.columns * source.element_bytes)


def _shuffles(tensors, operator):
    """Whether the operator moves blocks of one image whose sizes fit each other, none of them too large."""
    source, output = tensors[operator.inputs[0]], tensors[operator.outputs[0]]
    large, small = (output, source) if operator.name == "DEPTH_TO_SPACE" else (source, output)
    block = operator.options.BlockSize()
    _, height, width, channels = small.shape
    fits = large.shape == (1, height * block, width * block, channels // block**2) and channels % block**2 == 0
    return fits and small.shape[0] == 1 and max(large.shape[1:3]) <= _MOST_PLACES


def _distance(writes_end, reads):
    """The least D at which no chunk is written over one that is read with it or later.

    Chunk (i, j) must end before the earliest byte that is read from there on: by what is left of its row, or by a row below.
    """
    along = _from_here_on(reads.columns)
    below = np.append(_from_here_on(reads.rows)[1:], np.inf) + reads.columns.min()
    in_row = writes_end.rows - reads.rows + (writes_end.columns - along).max()
    across = writes_end.rows + writes_end.columns.max() - below
    return max(0, int(in_row.max()), int(max(across.max(), 0)))


def _from_here_on(values):
    """The least of each value and all behind it."""
    return np.minimum.accumulate(values[::-1])[::-1]


def _constant(tensor):
    if tensor.data is None or tensor.type != "INT32" or len(tensor.data) < 4:
        return None
    return int(np.frombuffer(np.ascontiguousarray(tensor.data[:4]).tobytes(), "<i4")[0])
