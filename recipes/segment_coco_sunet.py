# SPDX-License-Identifier: Apache-2.0
"""Objects of COCO under VOC's labels: pre-training for segment_voc2012_sunet.py.

Data      COCO 2017's train part, photographs with at least 1,000 pixels of VOC's 20 classes; evaluated on COCO's and VOC's
          val, whole. The paper takes train and val of COCO 2014 by the same rule, 90,000 photographs
Paper     SUNet (arXiv 1804.10343), section 7.3, SUNet-7-128. On rate and length of this pre-training it is silent, and so is
          the authors' code; here those of VOC, twice as long
Expect    no score is published; on VOC it brings SUNet-7-128 from 80.40, at four scales with flip, to 83.27
          variants sunet128 and sunet7128 are the larger networks
Takes     five hours (sunet64) to nineteen (sunet7128) on one H100, estimated at 10 TFLOP/s; not run here
Run       unetmm train recipes/segment_coco_sunet.py --data DATA --out runs/coco_sunet64 --from runs/imagenet_sunet64
          unetmm train recipes/segment_coco_sunet.py --data DATA --out runs/coco_sunet7128 --variant sunet7128
              --from runs/imagenet_sunet7128
          after classify_imagenet_sunet.py
"""

from functools import partial

import keras

from keras_unetmm import data, losses, metrics, models
from keras_unetmm.training import Cosine, Recipe

recipe = Recipe(
    model=partial(models.SUNetSegmentation, "sunet64"),
    start="a run of classify_imagenet_sunet.py with the same network",
    variants={row: {"model": partial(models.SUNetSegmentation, row)} for row in ("sunet128", "sunet7128")},
    smoke={"model": partial(models.SUNetSegmentation, "mcu_filters16", modules=(1, 1, 1, 1))},
    # data
    train=data.coco,
    evaluate={"coco_val": partial(data.coco, split="val"), "voc2012_val": partial(data.voc2012, split="val")},
    patch=512,
    batch=22,
    augment=(partial(data.random_scale, scale=(0.5, 2.0)), "flip", partial(keras.layers.RandomRotation, 10 / 360)),
    normalize=((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    # optimization
    loss=partial(losses.CrossEntropy, classes=21, ignore=255),
    optimizer=partial(keras.optimizers.SGD, momentum=0.95, weight_decay=2e-3),
    schedule=Cosine(start=2e-4),
    steps=90_000,
    # what is reported
    metrics=(partial(metrics.MeanIoU, classes=21, ignore=255),),
    validate=200,
    seed=0,
)
