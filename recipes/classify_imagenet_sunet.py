"""ImageNet classes: the stacked U-Nets that the segmenters start from.

Data      ImageNet (ILSVRC 2012), 1,281,167 photographs; evaluated on the 50,000 for validation, shorter side 256, middle 224
Paper     SUNet (arXiv 1804.10343): Nesterov 0.9, 0.01 divided by 10 every 30 of 100 epochs, weight decay 5e-4, batch 256. It
          is silent on augmentation; here windows of 224 pixels at the same scale, and flips. Torch's decay goes through the
          momentum, Keras's beside it: 5e-3 here is what 5e-4 comes to there
Expect    variant           top-1 error  parameters
          (none, sunet64)   29.28 %       6,910,248
          sunet128          23.64 %      24,704,360
          sunet7128         22.47 %      39,113,832 (printed as 37.7M)
Takes     two days (sunet64) to nine (sunet7128) on one H100, estimated at 10 TFLOP/s; not run here
Run       unetmm train recipes/classify_imagenet_sunet.py --data DATA --out runs/imagenet_sunet64
          unetmm train recipes/classify_imagenet_sunet.py --data DATA --out runs/imagenet_sunet7128 --variant sunet7128
          (the segmenters look for these folders; --cache CACHE keeps photographs decoded, some 250 GB)
"""

from functools import partial

import keras

from keras_unetmm import data, models
from keras_unetmm.training import Divided, Recipe

EPOCH = 1_281_167 // 256

recipe = Recipe(
    model=partial(models.SUNet, "sunet64"),
    variants={
        "sunet128": {"model": partial(models.SUNet, "sunet128")},
        "sunet7128": {"model": partial(models.SUNet, "sunet7128")},
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
    augment=("flip",),
    normalize=((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    # optimization
    loss=keras.losses.SparseCategoricalCrossentropy,
    optimizer=partial(keras.optimizers.SGD, momentum=0.9, nesterov=True, weight_decay=5e-3),
    schedule=Divided(start=0.01, by=10.0, at=(0.3, 0.6, 0.9)),
    steps=100 * EPOCH,
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
