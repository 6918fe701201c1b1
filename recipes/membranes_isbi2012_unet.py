# SPDX-License-Identifier: Apache-2.0
"""Cells in electron microscopy, small: U-Net on the data that it was made for.

Data      ISBI 2012, 24 slices of 512x512; evaluated on the 6 slices behind them, for the challenge's own test has no labels
Paper     U-Net (arXiv 1505.04597), here a quarter as wide, with batch norm, flips and right angles in place of elastic
          deformation, Adam and Dice together with cross entropy; skips by SAT (arXiv 1804.05181)
Expect    a guess: Dice of 0.95 on the inside of cells; on this split nothing is published. Variants: full skips, lunet
Takes     two hours on 2 CPU cores, estimated at 40 GFLOP/s; not run here
Run       unetmm train recipes/membranes_isbi2012_unet.py --data DATA --out runs/membranes_isbi2012_unet
          unetmm train recipes/membranes_isbi2012_unet.py --data DATA --out runs/membranes_isbi2012_unet_full --variant full
"""

from functools import partial

import keras

from keras_unetmm import data, losses, metrics, models
from keras_unetmm.training import Cosine, Recipe

GRAY = (None, None, 1)


def network(model, row, **arguments):
    """The network, and a small one for --smoke."""
    model = partial(model, row, input_shape=GRAY, channels=16, order="conv-norm-relu", classes=1, **arguments)
    return {"model": model, "smoke": {"model": partial(model, channels=2, levels=2)}}


recipe = Recipe(
    **network(models.UNet, "ronneberger2015", skips="sat"),
    variants={
        "full": network(models.UNet, "ronneberger2015", skips="full"),
        "lunet": network(models.LUnet, "mcu_width8", skips="full"),
    },
    # data
    train=data.isbi2012,
    evaluate={"isbi2012_test": partial(data.isbi2012, split="test")},
    patch=192,
    batch=8,
    augment=("flip", "rotate90"),
    # optimization
    loss=losses.SegmentationLoss,
    optimizer=keras.optimizers.Adam,
    schedule=Cosine(start=1e-3, end=1e-6),
    steps=4_000,
    save_every=100,
    evaluate_every=500,
    # what is reported
    metrics=(metrics.Dice, partial(metrics.MeanIoU, classes=1)),
    validate=None,
    seed=0,
)
