"""How far an operator sees along an axis: what it reads of its input for given places of its output."""

from dataclasses import dataclass

from ai_edge_litert import schema_py_generated as schema

from keras_unetmm.tflite_file.operands import Operands, names_in

_POINTWISE = names_in(
    """
    ABS ADD ADD_N ARG_MAX ARG_MIN CAST CONCATENATION DEQUANTIZE DIV ELU EQUAL EXP FLOOR_DIV FLOOR_MOD GELU GREATER
    GREATER_EQUAL HARD_SWISH L2_NORMALIZATION LEAKY_RELU LESS LESS_EQUAL LOG LOGISTIC LOG_SOFTMAX MAXIMUM MINIMUM MUL NEG
    NOT_EQUAL PRELU QUANTIZE RELU RELU6 RELU_0_TO_1 RELU_N1_TO_1 RSQRT SELECT SELECT_V2 SOFTMAX SPLIT SPLIT_V SQRT
    SQUARED_DIFFERENCE SUB TANH ZEROS_LIKE
    """
)
OVER_AXES = names_in("MEAN SUM REDUCE_MAX REDUCE_MIN REDUCE_PROD")
_ONE_AXIS = {"CONCATENATION": None, "SPLIT": 0, "SPLIT_V": 2, "ARG_MAX": 1, "ARG_MIN": 1}  # the input that names it
_ANY_RANK = ("ARG_MAX", "ARG_MIN", "CAST", "QUANTIZE")  # which may stand behind the last axis is gone
_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")
_POOLS = ("MAX_POOL_2D", "AVERAGE_POOL_2D")
WINDOWED = (*_CONVOLUTIONS, *_POOLS)
_PADS = ("PAD", "PADV2")


class GlobalOperatorError(ValueError):
    """An operator that cannot run tile by tile; the message says why and what to use instead."""


@dataclass(frozen=True)
class Reach:
    """Which places an operator reads along one axis.

    With factor 1 the places from `low` to `high` of the output are made of those from `low * stride - before` to
    `(high - 1) * stride - before + extent` of the input; with a larger factor, each place of the input makes as many.

    Attributes:
        stride: int, places of the input from one place of the output to the next.
        before: int, places that the first window begins before the input.
        extent: int, places of a window.
        factor: int, places of the output for one of the input.
        between: bool, whether the places in between are weighted means of two places, as bilinear resizing has them.
    """

    stride: int = 1
    before: int = 0
    extent: int = 1
    factor: int = 1
    between: bool = False

    def needs(self, low, high):
        """Returns the places of the input, `(low, high)`, for those of the output."""
        if self.between:
            middle = 1 - self.factor  # of place o: (2o + 1 - factor) / (2 factor), between two places
            return (2 * low + middle) // (2 * self.factor), (2 * (high - 1) + middle) // (2 * self.factor) + 2
        if self.factor > 1:
            return low // self.factor, -(-high // self.factor)
        return low * self.stride - self.before, (high - 1) * self.stride - self.before + self.extent

    def gives(self, low, high):
        """Returns the places of the output, `(low, high)`, that are made of whole places of the input."""
        return low * self.factor, high * self.factor


def reaches(graph, operator):
    """Returns the `Reach` of an operator along the rows and along the columns.

    Raises:
        GlobalOperatorError: if it cannot run tile by tile.
    """
    operands = Operands(graph, operator)
    name = operands.name
    if operator.custom:
        raise GlobalOperatorError("nobody knows what it reads")
    if name in _POINTWISE:
        _check_pointwise(operands)
        return Reach(), Reach()
    if name in OVER_AXES:
        axes = operands.axes()
        if axes is None or set(axes) & {1, 2}:
            raise GlobalOperatorError(
                "it looks at the whole map. Use blocks without a mean over the map in the levels that are tiled "
                "(local_levels of NAFNet and of UNetMinusMinus, channel_attention=False, response_normalization=False), or "
                "tile fewer levels"
            )
        return Reach(), Reach()
    if name in _CONVOLUTIONS:
        return _windows(operands, operands.weights.shape[1:3], dilated=True)
    if name in _POOLS:
        size = operands.option("FilterHeight"), operands.option("FilterWidth")
        if size == tuple(operands.map.shape[1:3]):
            raise GlobalOperatorError("its window is the whole map. Use pooling over smaller windows, or tile fewer levels")
        return _windows(operands, size)
    if name == "SPACE_TO_DEPTH":
        block = operands.option("BlockSize")
        return (Reach(block, extent=block),) * 2
    if name == "DEPTH_TO_SPACE":
        return (Reach(factor=operands.option("BlockSize")),) * 2
    if name in ("RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR"):
        return _resized(operands)
    if name in _PADS:
        return _padded(operands)
    if name == "TRANSPOSE_CONV":
        return _transposed(operands)
    raise GlobalOperatorError(f"no rule says what {name} reads. Use other layers there, or tile fewer levels")


def _check_pointwise(operands):
    ranks = {len(tensor.shape) for tensor in (operands.map, operands.output)}
    if ranks != {4} and operands.name not in _ANY_RANK:
        raise GlobalOperatorError("it takes or makes a map without channels. Keep the axis of the channels")
    if operands.name in _ONE_AXIS:
        place = _ONE_AXIS[operands.name]
        axis = (operands.option("Axis"),) if place is None else operands.numbers(place)
        deep = len(operands.map.shape)
        if axis is None or axis[0] % deep != deep - 1:
            raise GlobalOperatorError("it cuts or joins maps along another axis than that of the channels")
    for tensor in operands.inputs:
        spatial = tensor.shape[-3:-1] if tensor is not None and tensor.data is not None else ()
        if any(size > 1 for size in spatial):
            raise GlobalOperatorError("one of its constants has a value for each place of the map")


def _windows(operands, size, dilated=False):
    before_after = []
    strides = operands.option("StrideH", 1), operands.option("StrideW", 1)
    dilations = (operands.option("DilationHFactor", 1), operands.option("DilationWFactor", 1)) if dilated else (1, 1)
    same = operands.option("Padding") == schema.Padding.SAME
    maps = zip(size, strides, dilations, operands.map.shape[1:3], operands.output.shape[1:3], strict=True)
    for places, stride, dilation, given, made in maps:
        extent = (places - 1) * dilation + 1
        before = max((made - 1) * stride + extent - given, 0) // 2 if same else 0
        before_after.append(Reach(stride, before, extent))
    return tuple(before_after)


def _resized(operands):
    factors = []
    for given, made in zip(operands.map.shape[1:3], operands.output.shape[1:3], strict=True):
        factor = made // given
        if made != factor * given or factor & (factor - 1) or operands.option("AlignCorners"):
            raise GlobalOperatorError(
                f"it resizes {given} places to {made}. Only factors of 2, 4, 8, ... without align_corners are the same in "
                "every tile"
            )
        factors.append(factor)
    between = operands.name == "RESIZE_BILINEAR"
    if between and not operands.option("HalfPixelCenters"):
        raise GlobalOperatorError("it resizes without half_pixel_centers. Use UpSampling2D, which has them")
    return tuple(Reach(factor=factor, between=between and factor > 1) for factor in factors)


def _padded(operands):
    tensor = operands.input(1)
    numbers = operands.numbers(1)
    if numbers is None or tensor.shape != (4, 2) or any(numbers[:2]) or any(numbers[6:]) or operands.name == "PADV2":
        raise GlobalOperatorError("it pads with other values than zeros, or other axes than rows and columns")
    return Reach(before=numbers[2]), Reach(before=numbers[4])


def _transposed(operands):
    stride = operands.option("StrideH")
    if operands.option("StrideW") != stride or operands.weights.shape[1:3] != (stride, stride):
        raise GlobalOperatorError("its windows overlap. Use a kernel as large as the stride, or a resize and a convolution")
    return (Reach(factor=stride),) * 2
