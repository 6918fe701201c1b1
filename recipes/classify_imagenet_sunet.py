# SPDX-License-Identifier: Apache-2.0
"""ImageNet classes: the stacked U-Nets that the segmenters start from.

Data      ImageNet (ILSVRC 2012), 1,281,167 photographs; evaluated on the 50,000 for validation, shorter side 256, middle 224
Paper     SUNet (arXiv 1804.10343), section 6.1: Nesterov 0.9, 0.01 divided by 10 every 30 of 100 epochs, weight decay 5e-4,
          batch 256, 212 for sunet7128; initialization as He et al.; augmentation "used for ResNet": the shorter side drawn
          from 256 to 480, a window of 224, flips, and colours, which are not changed here. The authors' code has windows of
          8 to 100 % of the area and stronger colours. Torch's decay goes through the momentum, Keras's beside it: 5e-3 here
          is what 5e-4 comes to there
Expect    variant           top-1 error  top-5 error  parameters
          (none, sunet64)   29.28 %      10.21 %       6,910,248
          sunet128          23.64 %       7.42 %      24,704,360
          sunet7128         22.47 %       6.85 %      39,113,832 (printed as 37.7M)
Takes     two days (sunet64) to nine (sunet7128) on one H100, estimated at 10 TFLOP/s; not run here
Run       unetmm train recipes/classify_imagenet_sunet.py --data DATA --out runs/imagenet_sunet64
          unetmm train recipes/classify_imagenet_sunet.py --data DATA --out runs/imagenet_sunet7128 --variant sunet7128
          (the segmenters start from these, --from RUN; --cache CACHE keeps photographs decoded, some 250 GB)
"""

from functools import partial

import keras

from keras_unetmm import data, models
from keras_unetmm.training import Divided, Recipe

IMAGES = 1_281_167

recipe = Recipe(
    model=partial(models.SUNet, "sunet64"),
    variants={
        "sunet128": {"model": partial(models.SUNet, "sunet128")},
        "sunet7128": {"model": partial(models.SUNet, "sunet7128"), "batch": 212, "steps": 100 * (IMAGES // 212)},
    },
    smoke={
        "model": partial(models.SUNet, "mcu_filters16", modules=(1, 1, 1, 1), classes=3),
        "metrics": (partial(keras.metrics.SparseTopKCategoricalAccuracy, k=2, name="top2"),),
    },
    # data
    train=data.imagenet,
    evaluate={"imagenet_val": partial(data.imagenet, split="val")},
    evaluate_patch=224,
    patch=224,
    batch=256,
    augment=(partial(data.random_scale, scale=(1.0, 480 / 256)), "flip"),
    normalize=((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    # optimization
    loss=keras.losses.SparseCategoricalCrossentropy,
    optimizer=partial(keras.optimizers.SGD, momentum=0.9, nesterov=True, weight_decay=5e-3),
    schedule=Divided(start=0.01, by=10.0, at=(0.3, 0.6, 0.9)),
    steps=100 * (IMAGES // 256),
    save_every=1000,
    evaluate_every=10_000,
    # what is reported
    metrics=(
        partial(keras.metrics.SparseCategoricalAccuracy, name="top1"),
        partial(keras.metrics.SparseTopKCategoricalAccuracy, k=5, name="top5"),
    ),
    validate=5000,
    seed=0,
)
