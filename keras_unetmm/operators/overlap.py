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
    elif name in ("DEPTH_TO_SPACE", "SPACE_TO_DEPTH") and tensors[output].shape[0] == 1:
        source = operator.inputs[0]
        found = [Overlap(source, output, least=_distance(*_shuffle_order(tensors[source], tensors[output], name)))]
    live = [o for o in found if o and o.input >= 0 and tensors[o.input].arena_bytes and not tensors[o.input].variable]
    live = [o for o in live if {tensors[o.input].type, tensors[o.output].type} <= _TYPES]
    return tuple(o for o in live if list(operator.inputs).count(o.input) == 1 or name in _BINARY)


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
    if len(source.shape) != 4 or len(output.shape) != 4 or output.shape[0] != 1:
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
    """The byte that ends each output pixel, and the first byte that it reads, in the order of computing."""
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
        first.append(np.where(start < 0, start + -(start // d) * d, start))  # the first tap inside the image
    reads = (first[0][:, None] * width + first[1]).ravel() * channels * source.element_bytes
    pixel = output.shape[3] * output.element_bytes
    return np.arange(1, len(reads) + 1) * pixel, reads


def _shuffle_order(source, output, name):
    """Chunks of one small pixel's channels, in the order of the large map."""
    large, small = (output, source) if name == "DEPTH_TO_SPACE" else (source, output)
    _, height, width, channels = large.shape
    block = height // small.shape[1]
    row, column = np.divmod(np.arange(height * width), width)
    chunk = (row % block) * block + column % block
    in_small = ((row // block) * small.shape[2] + column // block) * small.shape[3] + chunk * channels
    in_large = np.arange(height * width) * channels
    writes, reads = (in_large, in_small) if name == "DEPTH_TO_SPACE" else (in_small, in_large)
    return (writes + channels) * output.element_bytes, reads * source.element_bytes


def _distance(writes_end, reads):
    """The least D at which no chunk is written over one that is read with it or later."""
    later = np.minimum.accumulate(reads[::-1])[::-1]
    return max(0, int((writes_end - later).max(initial=0)))


def _constant(tensor):
    if tensor.data is None or tensor.type != "INT32" or len(tensor.data) < 4:
        return None
    return int(np.frombuffer(np.ascontiguousarray(tensor.data[:4]).tobytes(), "<i4")[0])
