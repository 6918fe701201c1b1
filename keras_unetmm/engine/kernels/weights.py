# SPDX-License-Identifier: Apache-2.0
"""What all operators with weights share: constants, multipliers of every output, and the parameters that say so in C."""

from dataclasses import dataclass

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_unetmm.engine.kernels.arithmetic import fused_range, quantize_multiplier
from keras_unetmm.engine.kernels.kernel import Axis, Kernel, NoKernelError, Parameters, Values, Window

MOST_TAPS = 64  # rows of a window: UNETMM_TAPS
_MOST_DILATION = 255
_BIASES = {"INT8": ("INT32",), "INT16": ("INT64", "INT32")}
_DTYPES = {"INT8": "<i1", "INT16": "<i2", "INT32": "<i4", "INT64": "<i8"}


@dataclass(frozen=True)
class Weighted:
    """An operator with constant weights.

    Attributes:
        x, output: `Tensor`.
        weights: int8 array, in the file's shape.
        bias: int64 array, one an output.
        narrow: bool, whether sums of an int16 map wrap in 32 bits.
        scales: list of `(multiplier, shift)`, one an output.
        low, high: int, smallest and largest value of the output.
    """

    x: object
    output: object
    weights: np.ndarray
    bias: np.ndarray
    narrow: bool
    scales: list
    low: int
    high: int

    @property
    def zero(self):
        """The zero point of the input."""
        return self.x.zero_points[0] if self.x.type == "INT8" else 0

    def _form(self, bias):
        """What is known of multipliers and sums: 0 nothing; 1 every shift is negative; 2 that, and sums are below 2^30."""
        if any(shift >= 0 for _, shift in self.scales):
            return 0
        largest = int(abs(bias).max(initial=0)) + 128 * 255 * (self.weights.size // len(self.bias))
        return 2 if largest < 2**30 else 1

    def requantization(self, sums=None, zeros=(None, None)):
        """Returns the `Parameters` of unetmm_requantization, or of unetmm_requantization_int16.

        Args:
            sums: int64 array, the sum of the weights of every output, whose product with the input's zero point goes into
                the bias; None where the kernel takes the zero point off itself.
            zeros: zero points of input and output where an int16 kernel has them.
        """
        narrow = self.x.type == "INT8" or self.narrow
        zero = self.zero if zeros[0] is None else zeros[0]
        bias = self.bias if sums is None else self.bias - zero * sums
        if narrow:
            bias = ((bias + 2**31) % 2**32) - 2**31
        if self.x.type == "INT8":
            channels = np.array([(b, *scale) for b, scale in zip(bias.tolist(), self.scales, strict=True)], "<i4")
            fields = {"channels": Values("int32_t", channels), "form": self._form(bias)}
            fields |= {"zero": self.output.zero_points[0]}
            return Parameters("unetmm_requantization", {**fields, "low": self.low, "high": self.high})
        fields = {"bias": Values("int64_t", bias.astype("<i8")), "scales": Values("int32_t", np.array(self.scales, "<i4"))}
        fields |= {"narrow": int(narrow), "zero": zeros[1] or 0, "low": self.low, "high": self.high}
        return Parameters("unetmm_requantization_int16", fields)


def weighted(graph, operator, places, outputs, activation, biases=None, multipliers=None):
    """Returns the `Weighted` of an operator.

    Args:
        graph: `Graph`.
        operator: `Operator`.
        places: tuple of int, which of its inputs are the map, the weights and the bias.
        outputs: int, channels that have a bias and a multiplier each.
        activation: int, the fused activation.
        biases: dict from a map's type to the types of a bias that TFLM reads.
        multipliers: function from the tensors of map, weights and output to the list of real multipliers.

    Raises:
        NoKernelError: for types that the engine lacks, and weights that are computed.
    """
    x, weights = (graph.tensors[operator.inputs[place]] for place in places[:2])
    output = graph.tensors[operator.outputs[0]]
    if x.type not in _BIASES or output.type != x.type or weights.type != "INT8":
        types = f"{x.type.lower()} maps, {weights.type.lower()} weights and {output.type.lower()} output"
        raise NoKernelError(f"it has {types}. The engine has int8 maps with int8 weights, and int16 maps with int8 weights.")
    if weights.data is None:
        raise NoKernelError("its weights are computed, not constant. Make them constants.")
    for tensor in (x, weights, output):
        if not tensor.scales or not tensor.zero_points:
            raise NoKernelError(f"its tensor {tensor.name!r} has no scale. Quantise it.")
    bias, kind = _bias(graph, operator, places[2], outputs, (biases or _BIASES)[x.type])
    narrow = kind == "INT32" if kind else _bias_type(operator) == schema.TensorType.INT32
    scales = check_shifts((multipliers or convolution_multipliers)(x, weights, output, outputs), x.type == "INT8" or narrow)
    values = np.frombuffer(weights.data.tobytes(), np.int8).reshape(weights.shape)
    return Weighted(x, output, values, bias, narrow, scales, *fused_range(activation, output))


def convolution_multipliers(x, weights, output, outputs):
    """Real multipliers of every output as TFLM's PopulateConvolutionQuantizationParams finds them, in double."""
    if len(weights.scales) not in (1, outputs):
        raise NoKernelError(
            f"its weights have {len(weights.scales)} scales. It needs one, or one for each of {outputs} outputs."
        )
    scales = weights.scales if len(weights.scales) > 1 else weights.scales * outputs
    return [x.scales[0] * scale / output.scales[0] for scale in scales]


def _bias(graph, operator, place, outputs, types):
    """The bias as int64, zeros where there is none, and its type."""
    index = operator.inputs[place] if place < len(operator.inputs) else -1
    if index < 0:
        return np.zeros(outputs, np.int64), None
    bias = graph.tensors[index]
    if bias.data is None or bias.type not in types or len(bias.data) != outputs * np.dtype(_DTYPES[bias.type]).itemsize:
        form = "a computed tensor" if bias.data is None else f"{bias.type.lower()} of the shape {bias.shape}"
        expected = " or ".join(kind.lower() for kind in types)
        raise NoKernelError(f"its bias must be {outputs} constants of {expected}. Received: {form}.")
    return np.frombuffer(bias.data.tobytes(), _DTYPES[bias.type]).astype(np.int64), bias.type


def _bias_type(operator):
    """The type that the options give for sums where there is no bias."""
    return operator.options.QuantizedBiasType() if hasattr(operator.options, "QuantizedBiasType") else None


def check_shifts(reals, narrow):
    """Returns the `(multiplier, shift)` of real multipliers; refuses those that TFLM's arithmetic is not made for.

    Args:
        reals: list of float.
        narrow: bool, whether they multiply sums of 32 bits, not of 64.
    """
    scales, most = [quantize_multiplier(real) for real in reals], 30 if narrow else 14
    if any(shift > most for _, shift in scales):
        raise NoKernelError(f"its scales multiply sums by 2^{most} and more. Choose scales of the usual size.")
    return scales


def check_terms(count, apart=False):
    """Refuses runs of products of bytes whose sum could pass 32 bits on the way.

    Args:
        count: int, products in one run.
        apart: bool, whether the kernel takes the zero point off each value, so that it has 9 bits.
    """
    most = 2**16 if apart else 2**17
    if count >= most:
        raise NoKernelError(f"one row of its window has {count} values. The engine adds up fewer than {most}.")


def padding_before(options, size, kernel, stride, dilation=1):
    """Returns how many places a window begins before the map, as TFLM's ComputePadding does.

    Args:
        options: of the operator.
        size: int, places of the map along the axis.
        kernel, stride, dilation: int, along the axis.
    """
    extent = (kernel - 1) * dilation + 1
    same = options.Padding() == schema.Padding.SAME
    made = -(-size // stride) if same else (size + stride - extent) // stride
    return max((made - 1) * stride + extent - size, 0) // 2


@dataclass(frozen=True)
class Sliding:
    """How a kernel slides over a map; all attributes are pairs of int, of rows and columns.

    Attributes:
        size: places of the kernel.
        strides, dilations: places of the map from one window to the next, and from one place of the kernel to the next.
        padding: places by which the first window begins before the map.
    """

    size: tuple[int, int]
    strides: tuple[int, int]
    dilations: tuple[int, int]
    padding: tuple[int, int]

    @classmethod
    def of(cls, options, x, size):
        """Returns that of a convolution, by its options, its map and the size of its kernel."""
        strides = options.StrideH(), options.StrideW()
        dilations = options.DilationHFactor(), options.DilationWFactor()
        axes = zip(x.shape[1:3], size, strides, dilations, strict=True)
        return cls(tuple(size), strides, dilations, tuple(padding_before(options, *each) for each in axes))

    def fields(self, width):
        """Returns the fields of a C struct that say it, for a map of so many columns."""
        rows, columns = self.size
        walk = {"width": width, "first": -self.padding[1], "stride": self.strides[1], "dilation": self.dilations[1]}
        return {**walk, "kernel_rows": rows, "kernel_columns": columns}

    @property
    def window(self):
        """The `Window` of the map that the kernel reads."""
        return window(self.padding, self.size, self.strides, self.dilations)


def window(padding, kernel, stride, dilation=(1, 1)):
    """Returns the `Window` of a kernel; all arguments are pairs of int, rows and columns."""
    if kernel[0] > MOST_TAPS or dilation[0] > _MOST_DILATION:
        raise NoKernelError(
            f"its kernel has {kernel[0]} rows, {dilation[0]} apart. The engine has kernels of up to {MOST_TAPS} rows, up to "
            f"{_MOST_DILATION} apart."
        )
    rows, columns = (Axis(s, 1, -p, -p + (k - 1) * d) for p, k, s, d in zip(padding, kernel, stride, dilation, strict=True))
    return Window(rows, columns, kernel[0], dilation[0])


def check_rank(tensor):
    """Refuses maps that are not `(batch, height, width, channels)`."""
    if len(tensor.shape) != 4:
        raise NoKernelError(f"its map has the shape {tensor.shape}. It needs four axes: batch, height, width, channels.")


def quads(weights):
    """Returns the `Values` of weights that are read four at a time, where need be beyond the end of the last output's."""
    depth = weights.shape[-1]
    return Values("int8_t", np.append(weights.reshape(-1), np.zeros(-depth % 4, "int8")))


def typed_kernel(kind, x, fields, inputs, **common):
    """Returns the `Kernel` whose C for int8 is in `kind`.c, and that for int16 in `kind`_int16.c.

    Args:
        kind: str, name of the C struct for int8.
        x: `Tensor`, the map.
        fields: dict, of the struct.
        inputs: tuple, as `Kernel` has it.
        common: what else `Kernel` takes.
    """
    file, struct = (kind, kind) if x.type == "INT8" else (f"{kind}_int16", f"{kind}_wide")
    return Kernel(f"{kind}_{x.type.lower()}", f"{file}.c", f"{file}.h", Parameters(struct, fields), inputs, **common)
