# SPDX-License-Identifier: Apache-2.0
"""The U-Net module of which SUNets (arXiv 1804.10343) are stacked, figure 2. Written from the paper.

Facts that the paper leaves open are those of the authors' public code (MIT licence, read for them): a bias in every
convolution, the order of the concatenation, which convolution of a pair has the greater rate, what becomes of odd sizes.
Its dropout of 1e-7 is left out.
"""

from collections.abc import Sequence
from typing import Any

import keras

from keras_unetmm.keras_types import Config, Initializer
from keras_unetmm.layers.composite import Composite
from keras_unetmm.layers.padding import CropLike
from keras_unetmm.layers.pointwise_convolution import PointwiseConvolution
from keras_unetmm.layers.preactivated_convolution import EPSILON, PreactivatedConvolution, fan_out_normal
from keras_unetmm.layers.select import select_activation, select_initializer, select_sparsity
from keras_unetmm.layers.select_attend_transfer import gate
from keras_unetmm.types import Shape, Tensor

SKIPS = ("full", "none", "sat", "at", "st")  # what stands between e and the concatenation


@keras.saving.register_keras_serializable("keras_unetmm")
class UNetEncoder(Composite):
    """E of the paper: two preactivated 3x3 convolutions, the first of stride 2.

    Args:
        filters: int, channels of the output.
        rate: int, 1 for stride 2; above it, stride 1 and the rates `rate` and `2 * rate`.
        momentum: float, of the batch normalizations.

    Shape: `(N, H, W, C) -> (N, ceil(H / 2), ceil(W / 2), filters)`, with a rate `(N, H, W, filters)`.

    Examples:
        >>> layers.UNetEncoder(12)(keras.Input((15, 16, 8))).shape
        (None, 8, 8, 12)
    """

    def __init__(self, filters: int, rate: int = 1, momentum: float = 0.9, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.rate = rate
        self.momentum = momentum

    def build(self, input_shape: Shape) -> None:
        options = {"momentum": self.momentum, "dtype": self.dtype_policy.name}
        kind, second = ("same", 2 * self.rate) if self.rate > 1 else ("down", 1)
        self.conv1 = PreactivatedConvolution(self.filters, kind=kind, rate=self.rate, name="conv1", **options)
        self.conv2 = PreactivatedConvolution(self.filters, rate=second, name="conv2", **options)
        self.conv1.build(input_shape)
        self.conv2.build((*input_shape[:-1], self.filters))

    def call(self, x: Tensor) -> Tensor:
        return self.conv2(self.conv1(x))


@keras.saving.register_keras_serializable("keras_unetmm")
class UNetDecoder(Composite):
    """D of the paper: a preactivated transposed 3x3 convolution of stride 2 and a preactivated 3x3 convolution.

    Args:
        filters: int, channels of the output.
        rate: int, 1 for stride 2; above it, stride 1 and the rates `2 * rate` and `rate`.
        momentum: float, of the batch normalizations.

    Shape: `[(N, ceil(H / 2), ceil(W / 2), C), (N, H, W, any)] -> (N, H, W, filters)`: the second map, E's input, says
    which of the two sizes that E halves alike is meant. With a rate both have the size `(H, W)`.

    Examples:
        >>> layers.UNetDecoder(8)([keras.Input((8, 8, 12)), keras.Input((15, 16, 8))]).shape
        (None, 15, 16, 8)
    """

    def __init__(self, filters: int, rate: int = 1, momentum: float = 0.9, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.rate = rate
        self.momentum = momentum
        self.input_spec = [keras.layers.InputSpec(ndim=4)] * 2

    def build(self, input_shape: Sequence[Shape]) -> None:
        shape, _ = input_shape
        dtype = {"dtype": self.dtype_policy.name}
        options = {"momentum": self.momentum, **dtype}
        first = 2 * self.rate if self.rate > 1 else 1
        self.conv1 = PreactivatedConvolution(self.filters, kind="up", rate=first, name="conv1", **options)
        self.crop = CropLike(name="crop", **dtype)
        self.conv2 = PreactivatedConvolution(self.filters, rate=self.rate, name="conv2", **options)
        self.conv1.build(shape)
        self.conv2.build((*shape[:-1], self.filters))

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        x, like = inputs
        x = self.conv1(x)  # (N, H, W, filters), with stride 2 one more of H or W where these are odd
        return self.conv2(x if self.rate > 1 else self.crop([x, like]))


@keras.saving.register_keras_serializable("keras_unetmm")
class UNetModule(Composite):
    """A small U-Net with a residual shortcut around it, which returns a map of the size that it was given.

    `y = expand(D1([D2(E2(e)), e])) + shortcut` with `e = E1(reduce(x))`; the shallower U-Net+ is `expand(D1(e)) + shortcut`.
    Where the channels change, `h = relu(norm(x))` feeds both `reduce` and `shortcut`, two 1x1 convolutions; elsewhere
    `reduce` is preactivated and the shortcut is x itself.

    The strided form halves the size in each E and doubles it in each D. The multigrid dilated form keeps it and has the
    rates `rate`, `2 * rate` in E1, `2 * rate`, `4 * rate` in E2, the same backwards in D2 and D1. Both have the same
    weights.

    Args:
        filters: int, channels inside the module, N of the paper.
        channels: int, channels of the output, M of the paper.
        depth: int, pairs of E and D: 2 in the U-Net module, 1 in U-Net+.
        rate: int, 1 for the strided form, more for the dilated one.
        skip: `"full"`, `"none"`, `"sat"`, `"at"` or `"st"`: what of e is concatenated in front of D1; U-Net+ has none.
        momentum: float, of the batch normalizations.
        gate_initializer, gate_activation, gate_sparsity: of the weights with which `"sat"` and `"st"` select channels, see
            `Select`.

    Shape: `(N, H, W, C) -> (N, H, W, channels)`.

    Raises:
        ValueError: for an unknown skip, initializer or activation, another depth, a rate below 1 or a sparsity below 0.

    Examples:
        >>> layers.UNetModule(filters=8, channels=16, skip="sat")(keras.Input((32, 32, 12))).shape
        (None, 32, 32, 16)
    """

    def __init__(
        self,
        filters: int,
        channels: int,
        depth: int = 2,
        rate: int = 1,
        skip: str = "full",
        momentum: float = 0.9,
        gate_initializer: float | Initializer = "glorot_uniform",
        gate_activation: str = "truncated_relu",
        gate_sparsity: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if skip not in SKIPS:
            raise ValueError(f"skip must be one of {', '.join(map(repr, SKIPS))}. Received: {skip!r}.")
        if depth not in (1, 2):
            raise ValueError(f"depth must be 2, or 1 for a U-Net+. Received: {depth!r}.")
        if not isinstance(rate, int) or rate < 1:
            raise ValueError(f"rate must be an integer of at least 1. Received: {rate!r}.")
        self.filters = filters
        self.channels = channels
        self.depth = depth
        self.rate = rate
        self.skip = skip
        self.momentum = momentum
        self.gate_initializer = select_initializer(gate_initializer)
        self.gate_activation = select_activation(gate_activation)
        self.gate_sparsity = select_sparsity(gate_sparsity)

    def get_config(self) -> Config:
        names = ("filters", "channels", "depth", "rate", "skip", "momentum", "gate_activation", "gate_sparsity")
        own = {name: getattr(self, name) for name in names}
        return {**super().get_config(), **own, "gate_initializer": keras.initializers.serialize(self.gate_initializer)}

    def build(self, input_shape: Shape) -> None:
        *outer, inputs = input_shape
        dtype = {"dtype": self.dtype_policy.name}
        options = {"momentum": self.momentum, **dtype}
        widens, deep = inputs != self.channels, self.depth == 2
        rates = (self.rate, 2 * self.rate if self.rate > 1 else 1)

        # made in the order of the authors' checkpoints: down, up, then what reduce and shortcut share
        if widens:
            self.reduce = PointwiseConvolution(self.filters, kernel_initializer=fan_out_normal(), name="reduce", **dtype)
        else:
            self.reduce = PreactivatedConvolution(self.filters, 1, name="reduce", **options)
        self.encoder1 = UNetEncoder(self.filters, rates[0], name="encoder1", **options)
        self.encoder2 = UNetEncoder(self.filters, rates[1], name="encoder2", **options) if deep else None
        self.decoder1 = UNetDecoder(self.filters, rates[0], name="decoder1", **options)
        self.expand = PreactivatedConvolution(self.channels, 1, name="expand", **options)
        self.decoder2 = UNetDecoder(self.filters, rates[1], name="decoder2", **options) if deep else None
        self.norm = self.relu = self.shortcut = None
        if widens:
            self.norm = keras.layers.BatchNormalization(epsilon=EPSILON, name="norm", **options)
            self.relu = keras.layers.ReLU(name="relu", **dtype)
            start = fan_out_normal()
            self.shortcut = PointwiseConvolution(self.channels, kernel_initializer=start, name="shortcut", **dtype)
        gated = deep and self.skip not in ("full", "none")
        selecting = (self.gate_initializer, self.gate_activation, self.gate_sparsity)
        self.keep = gate(self.skip, *selecting, name="keep", **dtype) if gated else None
        self.fuse = keras.layers.Concatenate(name="fuse", **dtype) if deep and self.skip != "none" else None
        self.add = keras.layers.Add(name="add", **dtype)

        inner = (*outer, self.filters)
        kept = {"full": self.filters, "st": self.filters, "none": 0}.get(self.skip, 1) if deep else 0
        for layer in (self.reduce, self.norm, self.shortcut):
            if layer is not None:
                layer.build(input_shape)
        for layer in (self.encoder1, self.encoder2, self.keep, self.expand):
            if layer is not None:
                layer.build(inner)
        self.decoder1.build([(*outer, self.filters + kept), inner])
        if deep:
            self.decoder2.build([inner, inner])

    def call(self, x: Tensor) -> Tensor:
        shortcut = x
        if self.shortcut is not None:
            x = self.relu(self.norm(x))
            shortcut = self.shortcut(x)  # (N, H, W, channels)
        fine = self.reduce(x)  # (N, H, W, filters)
        y = e = self.encoder1(fine)  # (N, H / 2, W / 2, filters)
        if self.decoder2 is not None:
            y = self.decoder2([self.encoder2(e), e])
        if self.fuse is not None:
            y = self.fuse([y, e if self.keep is None else self.keep(e)])  # (N, H / 2, W / 2, 2 filters or filters + 1)
        return self.add([self.expand(self.decoder1([y, fine])), shortcut])  # (N, H, W, channels)

    def compute_output_shape(self, input_shape: Shape) -> Shape:  # said, not traced: a SUNet is built several times faster
        return (*input_shape[:-1], self.channels)
