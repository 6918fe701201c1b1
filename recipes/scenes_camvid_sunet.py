# SPDX-License-Identifier: Apache-2.0
"""Street scenes of CamVid, small: a stacked U-Net that keeps its resolution by dilation, without pre-training.

Data      CamVid, 367 frames with 11 classes; the best weights are chosen on val (101) and measured on test (233), whole
Paper     SUNet (arXiv 1804.10343), section 4, on VOC; this is its small brother, trained from nothing, with Adam
Expect    mean IoU of 0.41 on test, 0.53 on val, at 240x180, measured with Glorot's initialization, which the network had
          before He's. Variants: stride8 keeps twice the resolution, stride32 has no dilation
Takes     40 minutes on a CPU core, measured
Run       unetmm train recipes/scenes_camvid_sunet.py --data DATA --out runs/scenes_camvid_sunet
          unetmm train recipes/scenes_camvid_sunet.py --data DATA --out runs/scenes_camvid_sunet_stride8 --variant stride8
"""

from functools import partial

import keras

from keras_unetmm import data, losses, metrics, models
from keras_unetmm.training import Cosine, Recipe


def network(output_stride):
    """The network, and a small one for --smoke."""
    model = partial(models.SUNetSegmentation, "mcu_filters16", output_stride=output_stride, classes=11)
    return {"model": model, "smoke": {"model": partial(model, modules=(1, 1, 1, 1))}}


recipe = Recipe(
    **network(16),
    variants={"stride8": network(8), "stride32": network(32)},
    # data
    train=data.camvid,
    evaluate={"camvid_val": partial(data.camvid, split="val"), "camvid_test": partial(data.camvid, split="test")},
    patch=176,
    batch=8,
    augment=(
        "flip",
        partial(keras.layers.RandomZoom, (-0.5, 0.0)),  # Keras counts sizes of the window: scale 1 to 2
    ),
    # optimization
    loss=partial(losses.CrossEntropy, classes=11, ignore=255),
    optimizer=partial(keras.optimizers.AdamW, weight_decay=1e-4),
    schedule=Cosine(start=2e-3, end=1e-6),
    steps=10_000,
    save_every=200,
    evaluate_every=1000,
    # what is reported
    metrics=(partial(metrics.MeanIoU, classes=11, ignore=255),),
    seed=0,
)
