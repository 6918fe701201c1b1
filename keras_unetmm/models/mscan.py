# SPDX-License-Identifier: Apache-2.0
"""MSCAN, the encoder of SegNeXt (arXiv 2209.08575), table 2.

Written from the paper. Where it is silent the network does as the authors' public code (Apache-2.0, read for that): a layer
normalization with epsilon 1e-5 ends each stage, what it returns goes on to the next stage, and drop path grows
linearly from the first block to the last. The rates are those with which SegNeXt is trained for segmentation. Each row has
the parameters that the paper prints once the 1000 classes of ImageNet are added; tiny has 3,903,584 without them.
`mcu_width16` is ours: ReLU, and batch norm at the end of stages, both of which an integer graph folds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import keras

from keras_unetmm.layers import ConvolutionalStem, LayerNormalization, MSCANBlock, OverlappingPatchEmbedding
from keras_unetmm.layers.activation import activation as checked_activation
from keras_unetmm.layers.patch_embedding import EPSILON, batch_norm
from keras_unetmm.models.arguments import checked_image_shape, is_count

STAGES = 4
NORMS = ("layer", "batch")


@dataclass(frozen=True)
class Variant:
    """One row of the table of MSCANs; tuples have an entry for each stage."""

    channels: tuple
    depths: tuple
    expansions: tuple
    drop_path: float
    activation: str = "gelu"
    norm: str = "layer"


# fmt: off
VARIANTS = {
    #                      channels             depths         expansions    drop path
    "tiny":        Variant((32, 64, 160, 256),  (3, 3, 5, 2),  (8, 8, 4, 4), 0.1),
    "small":       Variant((64, 128, 320, 512), (2, 2, 4, 2),  (8, 8, 4, 4), 0.1),
    "base":        Variant((64, 128, 320, 512), (3, 3, 12, 3), (8, 8, 4, 4), 0.1),
    "large":       Variant((64, 128, 320, 512), (3, 5, 27, 3), (8, 8, 4, 4), 0.3),
    "mcu_width16": Variant((16, 32, 80, 96),    (1, 1, 1, 1),  (4, 4, 2, 2), 0.0, "relu", "batch"),
}
# fmt: on


def MSCAN(
    variant: str = "tiny",
    *,
    input_shape: Sequence[int | None] | None = (None, None, 3),
    channels: Sequence[int] | None = None,
    depths: Sequence[int] | None = None,
    expansions: Sequence[int] | None = None,
    drop_path: float | None = None,
    activation: str | None = None,
    norm: str | None = None,
    name: str | None = None,
) -> keras.Model:
    """Builds an MSCAN: image in, maps of stride 4, 8, 16 and 32 out of its four stages.

    The stages end in the layers `enc0_norm` to `enc3_norm`. Their outputs are also the model's `pyramid_outputs`, by the
    names that keras-hub gives to strides, `{"P2": stride 4, ..., "P5": stride 32}`; a model loaded from a file has the
    layers only. Sizes that do not divide are rounded up at each stage.

    Args:
        variant: str, a row of `keras_unetmm.models.mscan.VARIANTS`; the other arguments replace its entries.
        input_shape: `(height, width, channels)`; height and width may be None.
        channels: tuple of int, of each stage; the first is even.
        depths: tuple of int, blocks of each stage.
        expansions: tuple of int, by how much each stage's feed-forward parts widen.
        drop_path: float, the rate at which training leaves a branch of the last block out.
        activation: `"gelu"` (as published) or `"relu"`.
        norm: `"layer"` (as published) or `"batch"`, at the end of each stage.
        name: str, of the model.

    Returns:
        A functional `keras.Model`, `(N, H, W, C) -> (N, ceil(H / 32), ceil(W / 32), channels[-1])`.

    Raises:
        ValueError: for an unknown row, activation or norm, entries that do not match, or a wrong `input_shape`.

    Examples:
        >>> backbone = models.MSCAN(channels=(4, 8, 8, 8), depths=(1, 1, 1, 1), input_shape=(64, 64, 3))
        >>> backbone.output_shape
        (None, 2, 2, 8)
    """
    row = checked_row(
        variant,
        channels=channels,
        depths=depths,
        expansions=expansions,
        drop_path=drop_path,
        activation=activation,
        norm=norm,
    )
    inputs = keras.Input(checked_image_shape(input_shape), name="image")
    x, pyramid = stem(inputs, row), {}
    for index in range(STAGES):
        x = stage(x, row, index, f"enc{index}")
        pyramid[f"P{index + 2}"] = x
        if index < STAGES - 1:
            x = down(x, row, index)
    model = keras.Model(inputs, x, name=name or f"mscan_{variant}")
    model.pyramid_outputs = pyramid
    return model


def stem(x, row):
    """Brings an image to stride 4."""
    return ConvolutionalStem(row.channels[0], row.activation, name="stem")(x)


def stage(x, row, index, prefix):
    """Runs the blocks of a stage and the normalization at its end; `prefix` begins the names of the layers."""
    first, last = sum(row.depths[:index]), max(sum(row.depths) - 1, 1)
    for i in range(row.depths[index]):
        rate = row.drop_path * (first + i) / last
        x = MSCANBlock(row.expansions[index], rate, row.activation, name=f"{prefix}_block{i}")(x)
    if row.norm == "batch":
        return batch_norm(name=f"{prefix}_norm")(x)
    return LayerNormalization(epsilon=EPSILON, name=f"{prefix}_norm")(x)


def down(x, row, index):
    """Takes a map from a stage to the next one."""
    return OverlappingPatchEmbedding(row.channels[index + 1], name=f"enc{index}_down")(x)


def checked_row(variant, **changes):
    """Returns the row of that name with the changes that are not None.

    Raises:
        ValueError: for an unknown row, activation or norm, or entries that do not match.
    """
    if not isinstance(variant, str) or variant not in VARIANTS:
        raise ValueError(f"variant must be one of {', '.join(map(repr, VARIANTS))}. Received: {variant!r}.")
    row = replace(VARIANTS[variant], **{name: value for name, value in changes.items() if value is not None})
    for name in ("channels", "depths", "expansions"):
        entries = getattr(row, name)
        if not isinstance(entries, (tuple, list)) or len(entries) != STAGES or not all(map(is_count, entries)):
            raise ValueError(
                f"{name} must be a tuple of {STAGES} positive integers, one for each stage, finest first. "
                f"Received: {entries!r}. The row {variant!r} has {getattr(VARIANTS[variant], name)}."
            )
    if isinstance(row.drop_path, bool) or not isinstance(row.drop_path, (int, float)) or not 0 <= row.drop_path < 1:
        raise ValueError(f"drop_path must be a rate of at least 0 and below 1. Received: {row.drop_path!r}.")
    if row.norm not in NORMS:
        raise ValueError(f"norm must be one of {', '.join(map(repr, NORMS))}. Received: {row.norm!r}.")
    checked_activation(row.activation)  # refuses an unknown name
    return row
