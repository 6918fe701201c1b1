# SPDX-License-Identifier: Apache-2.0
"""What to write in Keras instead of an operator that a target lacks."""

_ANYWHERE = {
    "GELU": "x * sigmoid(1.702 x): unetmm convert writes it",
    "TILE": 'ops.image.resize(..., "nearest"), or an addition that broadcasts',
    "SQRT": "v * ops.rsqrt(v + epsilon)",
    "SQUARE": "x * x",
    "DIV": "a product: with a constant's reciprocal, or v * ops.rsqrt(v) * ops.rsqrt(v)",
    "POW": "products: x * x",
    "EXP": "ops.sigmoid or ops.softmax where they serve the same end",
    "HARD_SWISH": "x * relu6(x + 3) / 6, an addition, a RELU6 and two products",
    "LEAKY_RELU": "keras.layers.PReLU(shared_axes=[1, 2])",
    "ELU": "keras.layers.ReLU or PReLU(shared_axes=[1, 2])",
    "CONV_3D": "2-D convolutions: a network of rank=2 on slices, their depth as channels",
    "CONV_3D_TRANSPOSE": "2-D convolutions: a network of rank=2 on slices, their depth as channels",
    "BROADCAST_TO": "an addition or product, which broadcasts by itself",
    "BATCH_MATMUL": "a 1x1 convolution, where one of the factors is a weight",
    "RSQRT": "an epsilon added before ops.rsqrt, large enough that calibration sees nothing below zero",
    "REDUCE_MAX": "keras.layers.MaxPooling2D over the whole map",
    "NEG": "a product with -1",
    "ABS": "ops.maximum(x, -1 * x)",
    "UNPACK": "ops.split",
    "SPLIT_V": "ops.split in equal parts, or one 1x1 convolution for each part",
    "MIRROR_PAD": 'zero padding: keras.layers.Conv2D(padding="same")',
    "ARG_MAX": "no layer: leave it out of the model, and take it of the outputs on the processor",
    "SOFTMAX": "no layer: leave it out of the model, and take it of the outputs on the processor",
}
_ONE_HOT = "a transposed convolution with a fixed one-hot kernel"
_ON = {
    ("coral", "DEPTH_TO_SPACE"): f"{_ONE_HOT}: unetmm convert --target coral writes it",
    ("ethos-u", "DEPTH_TO_SPACE"): f"{_ONE_HOT}, for blocks of 2",
    ("ethos-u", "SPACE_TO_DEPTH"): "a convolution of the block's stride with a fixed one-hot kernel",
    ("ethos-u", "MEAN"): "for a mean over channels a 1x1 convolution with the constant weights 1/C",
    ("ethos-u", "RESIZE_BILINEAR"): "resizing by 2, several times over",
    ("ethos-u", "RESIZE_NEAREST_NEIGHBOR"): "resizing by 2, several times over",
    ("ethos-u", "TRANSPOSE_CONV"): "Conv2DTranspose with strides 1 or 2, or resizing by 2 and a convolution",
}
_NONE = "no Keras layer does the same there: leave it out, or compute it outside of the model"


def instead_of(target, name):
    """Returns what to use on a target instead of an operator.

    Args:
        target: str, one of `TARGETS`.
        name: str, the schema's name of the operator.
    """
    family = "ethos-u" if target.startswith("ethos-u") else target
    return _ON.get((family, name)) or _ANYWHERE.get(name) or _NONE
