# SPDX-License-Identifier: Apache-2.0
"""SUNets for semantic segmentation (arXiv 1804.10343), section 4: dilated, with or without de-gridding filters.

Written from the paper; it agrees with the authors' public code (MIT licence, read for that), whose bilinear resizing has
`align_corners=False`. The paper does not say; code of its time ran on PyTorch releases in which the default differed.
"""

from collections.abc import Sequence

import keras

from keras_unetmm.layers import Degridding, ResizeLike
from keras_unetmm.layers.preactivated_convolution import fan_out_normal
from keras_unetmm.models.arguments import check_flags
from keras_unetmm.models.segmentation import head_activation
from keras_unetmm.models.sunet import checked_row, features, image
from keras_unetmm.models.sunet_weights import load_classifier
from keras_unetmm.types import Tensor

OUTPUT_STRIDES = (8, 16, 32)
MOMENTUM = 0.99  # of batch normalization, as the paper fine-tunes; the classifiers have 0.9


def SUNetSegmentation(
    variant: str = "sunet64",
    *,
    output_stride: int = 16,
    degridding: bool = False,
    multigrid: bool = True,
    classes: int = 21,
    activation: str | None = "auto",
    input_shape: Sequence[int | None] | None = (None, None, 3),
    weights: Tensor = None,
    skips: str = "full",
    filters: int | None = None,
    modules: Sequence[int] | None = None,
    channels: Sequence[int] | None = None,
    stem: int | None = None,
    degridding_filters: int | None = None,
    name: str | None = None,
) -> keras.Model:
    """Builds a SUNet that labels every pixel: the classifier's features, a 1x1 convolution, bilinear resizing.

    The parameters are the same at every output stride. Pools that would make the stride greater are left out, and the
    U-Net modules behind them keep their field of view by dilation. Images of any size are taken whose smaller side has
    at least `output_stride - 3` pixels.

    Args:
        variant: str, a row of `keras_unetmm.models.sunet.VARIANTS`; the last five arguments but `name` replace its entries.
        output_stride: int, 8, 16 (as in the paper's main results) or 32 (the strided classifier throughout).
        degridding: bool, puts two 3x3 convolutions in front of the last one; the paper has them at output stride 8.
        multigrid: bool, False leaves the modules behind dropped pools strided, as figure 1 of the paper has them, the rival
            in its Table 4. Beside the table the paper speaks of dilated layers with a stride, and the authors' code has no
            such form: here the strided modules have no rates.
        classes: int, 21 are those of PASCAL VOC.
        activation: of the output: `"sigmoid"`, `"softmax"`, None for logits, or `"auto"`: sigmoid for one class, softmax for
            several, since pixels have one label each and `predict_multi_scale` averages probabilities. The authors'
            code returns logits, for its loss.
        input_shape: `(height, width, channels)`; height and width may be None. None stands for colour images of any size.
        weights: a classifier, made by `SUNet` from the same row, or the path of one that was saved as `.keras`; see
            `keras_unetmm.models.sunet_weights.load_classifier`.
        skips: as for `SUNet`.
        filters: int, channels inside the U-Net modules.
        modules: tuple of int, U-Net modules of each block.
        channels: tuple of int, of each block's output.
        stem: int, channels of the first convolution.
        degridding_filters: int, channels of the de-gridding filters.
        name: str, of the model.

    Returns:
        A functional `keras.Model`, `(N, H, W, C) -> (N, H, W, classes)`.

    Raises:
        ValueError: for an unknown variant, output stride, activation or skip, entries that do not match, a wrong
            `input_shape`, or weights that do not fit.

    Examples:
        >>> models.SUNetSegmentation(filters=8, classes=11, input_shape=(64, 64, 3)).output_shape
        (None, 64, 64, 11)
    """
    row = checked_row(
        variant, filters=filters, modules=modules, channels=channels, stem=stem, degridding_filters=degridding_filters
    )
    if output_stride not in OUTPUT_STRIDES:
        raise ValueError(f"output_stride must be one of {', '.join(map(str, OUTPUT_STRIDES))}. Received: {output_stride!r}.")
    check_flags(degridding=degridding, multigrid=multigrid)
    activation = head_activation(classes, activation)
    full = keras.config.floatx()  # logits are resized and compared in full precision under a mixed policy
    inputs, x = image(input_shape, output_stride)
    x = features(x, row, skips, output_stride, multigrid, MOMENTUM)
    if degridding:
        x = Degridding(row.degridding_filters, MOMENTUM, name="degridding")(x)
    x = keras.layers.Conv2D(classes, 1, kernel_initializer=fan_out_normal(), name="head")(x)
    x = ResizeLike(dtype=full, name="resize")([x, inputs])
    x = keras.layers.Activation(activation, dtype=full, name="prediction")(x)
    model = keras.Model(inputs, x, name=name or f"{variant}_segmentation")
    if weights is not None:
        load_classifier(model, weights)
    return model
