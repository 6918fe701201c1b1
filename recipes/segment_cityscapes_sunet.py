# SPDX-License-Identifier: Apache-2.0
"""Street scenes of Cityscapes: stacked U-Nets that keep their resolution by dilation.

Data      Cityscapes, 2,975 finely labelled scenes; evaluated on the 500 of val, whole
Paper     SUNet (arXiv 1804.10343), section 7.4: as on VOC (segment_voc2012_sunet.py), 90K iterations; fine labels alone
Expect    variant          mIoU
          sunet7128        75.3 on test, by the server of Cityscapes (Table 7), with
                           unetmm evaluate RUN --data DATA --scales 0.5,0.75,1,1.25,1.5,1.75,2,2.25,2.5 --flip
                           which measures val
          (none, sunet64)  and sunet128 are not in the paper
Takes     five hours (sunet64) to nineteen (sunet7128) on one H100, estimated at 10 TFLOP/s; not run here
Run       unetmm train recipes/segment_cityscapes_sunet.py --data DATA --out runs/cityscapes_sunet64
              --from runs/imagenet_sunet64
          unetmm train recipes/segment_cityscapes_sunet.py --data DATA --out runs/cityscapes_sunet7128 --variant sunet7128
              --from runs/imagenet_sunet7128
          after classify_imagenet_sunet.py
"""

from functools import partial

import keras

from keras_unetmm import data, losses, metrics, models
from keras_unetmm.training import Cosine, Recipe

recipe = Recipe(
    model=partial(models.SUNetSegmentation, "sunet64", classes=19),
    start="a run of classify_imagenet_sunet.py with the same network",
    variants={row: {"model": partial(models.SUNetSegmentation, row, classes=19)} for row in ("sunet128", "sunet7128")},
    smoke={"model": partial(models.SUNetSegmentation, "mcu_filters16", modules=(1, 1, 1, 1), classes=19)},
    # data
    train=data.cityscapes,
    evaluate={"cityscapes_val": partial(data.cityscapes, split="val")},
    patch=512,
    batch=22,
    augment=(partial(data.random_scale, scale=(0.5, 2.0)), "flip", partial(keras.layers.RandomRotation, 10 / 360)),
    normalize=((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    # optimization
    loss=partial(losses.CrossEntropy, classes=19, ignore=255),
    optimizer=partial(keras.optimizers.SGD, momentum=0.95, weight_decay=2e-3),
    schedule=Cosine(start=2e-4),
    steps=90_000,
    # what is reported
    metrics=(partial(metrics.MeanIoU, classes=19, ignore=255),),
    validate=50,
    seed=0,
)
