# SPDX-License-Identifier: Apache-2.0
"""The multi-scale information aggregation module of UNet-- (arXiv 2412.18276), equation 3 and figure 3.

Written from the paper. `MSIAM` is the whole module; a network that wants each encoder map to shrink at once uses its
two parts, `StageReduction` after every stage and `Aggregation` before the bottleneck.
"""

from collections.abc import Sequence
from typing import Any

import keras

from keras_unetmm.layers.composite import Composite
from keras_unetmm.layers.pixel_shuffle import change_level
from keras_unetmm.layers.pointwise_convolution import PointwiseConvolution
from keras_unetmm.types import Shape, Tensor


@keras.saving.register_keras_serializable("keras_unetmm")
class StageReduction(Composite):
    """What MSIAM does to one encoder map: fewer channels by a 1x1 convolution, then one common resolution.

    Args:
        reduction: int, the convolution keeps `C / reduction` channels.
        levels_up: int, how many levels finer the common resolution is: negative is coarser (pixel unshuffle,
            as in all experiments of the paper), positive is finer (pixel shuffle), 0 is the same.

    Shape: `(N, H, W, C) -> (N, H * 2**levels_up, W * 2**levels_up, C / reduction / 4**levels_up)`.

    Raises:
        ValueError: if the channels do not divide.

    Examples:
        >>> layers.StageReduction(16, levels_up=-1)(keras.Input((32, 32, 16))).shape
        (None, 16, 16, 4)
    """

    def __init__(self, reduction: int, levels_up: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reduction = reduction
        self.levels_up = levels_up

    def build(self, input_shape: Shape) -> None:
        *outer, channels = input_shape
        multiple = self.reduction * 4 ** max(self.levels_up, 0)
        if channels % multiple:
            below = channels // multiple * multiple
            fits = " or ".join(str(c) for c in (below, below + multiple) if c)
            raise ValueError(
                f"MSIAM with reduction={self.reduction} and levels_up={self.levels_up} needs channels that are a "
                f"multiple of {multiple}. Received: {channels} channels. Use {fits} channels here (another width "
                "of the network), a smaller reduction, or a coarser target level."
            )
        self.reduce = PointwiseConvolution(channels // self.reduction, name="reduce", dtype=self.dtype_policy.name)
        self.resize = change_level(self.levels_up, name="resize", dtype=self.dtype_policy.name)
        self.reduce.build(input_shape)
        self.resize.build((*outer, channels // self.reduction))

    def call(self, x: Tensor) -> Tensor:
        return self.resize(self.reduce(x))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self.resize.compute_output_shape((*input_shape[:-1], input_shape[-1] // self.reduction))


@keras.saving.register_keras_serializable("keras_unetmm")
class Aggregation(Composite):
    """What MSIAM does to the reduced maps: concatenation and a 1x1 convolution that keeps their sum of channels.

    Shape: list of `(N, H, W, C_i) -> (N, H, W, sum of C_i)`.

    Examples:
        >>> layers.Aggregation()([keras.Input((8, 8, 4)), keras.Input((8, 8, 6))]).shape
        (None, 8, 8, 10)
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.input_spec = None  # a list of maps, of any length

    def build(self, input_shape: Sequence[Shape]) -> None:
        channels = sum(shape[-1] for shape in input_shape)
        self.concatenate = keras.layers.Concatenate(name="concatenate", dtype=self.dtype_policy.name)
        self.mix = PointwiseConvolution(channels, name="mix", dtype=self.dtype_policy.name)
        self.concatenate.build(input_shape)
        self.mix.build((*input_shape[0][:-1], channels))

    def call(self, maps: Sequence[Tensor]) -> Tensor:
        return self.mix(self.concatenate(maps))


@keras.saving.register_keras_serializable("keras_unetmm")
class MSIAM(Composite):
    """Joins the maps of all encoder stages into one small map E'.

    Args:
        reductions: tuple of int, one a stage, finest first: the paper's 1/16, 1/16, 1/16, 1/8.
        level: int, whose resolution E' has: the last one is figure 3a (`None`, the paper's choice), 0 is 3c,
            any other 3b.

    Shape: list of `(N, H / 2**i, W / 2**i, C_i) -> (N, H / 2**level, W / 2**level, C')`.

    Raises:
        ValueError: if the number of maps is not that of the reductions, or if channels do not divide.

    Examples:
        >>> maps = [keras.Input((32, 32, 16)), keras.Input((16, 16, 32))]
        >>> layers.MSIAM((16, 8))(maps).shape
        (None, 16, 16, 8)
    """

    def __init__(self, reductions: Sequence[int] = (16, 16, 16, 8), level: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reductions = tuple(reductions)
        self.level = level
        self.input_spec = [keras.layers.InputSpec(ndim=4)] * len(self.reductions)

    def build(self, input_shape: Sequence[Shape]) -> None:
        target = target_level(self.level, len(self.reductions))
        self.stages = []
        for i, (reduction, shape) in enumerate(zip(self.reductions, input_shape, strict=True)):
            stage = StageReduction(reduction, i - target, name=f"stage{i}", dtype=self.dtype_policy.name)
            stage.build(shape)
            self.stages.append(stage)
        self.aggregation = Aggregation(name="aggregation", dtype=self.dtype_policy.name)
        self.aggregation.build([s.compute_output_shape(shape) for s, shape in zip(self.stages, input_shape, strict=True)])

    def call(self, maps: Sequence[Tensor]) -> Tensor:
        return self.aggregation([stage(x) for stage, x in zip(self.stages, maps, strict=True)])


def target_level(level, levels):
    """Returns the level whose resolution E' has; `None` means the lowest resolution, as in the paper.

    Raises:
        ValueError: if there is no such level.
    """
    if level is None:
        return levels - 1
    if not 0 <= level < levels:
        raise ValueError(f"level must lie between 0 (full resolution) and {levels - 1}. Received: {level}.")
    return level
