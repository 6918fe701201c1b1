# SPDX-License-Identifier: Apache-2.0
"""Skin lesions, small: U-Net whose skips are Select-Attend-Transfer gates.

Data      ISIC 2018, 800 photographs resized to 128x128; evaluated on 200 others
Paper     SAT (arXiv 1804.05181), on ISIC 2017; this is its small brother, with Adam, which needs fewer steps, and Dice
          together with cross entropy
Expect    a guess: Dice of 0.85; on this split nothing is published. The paper has 0.81 with SAT, 0.79 with full skips; other
          variants: at (attention only), st (selection only), lunet (as many channels at the bottom as at full resolution)
Takes     two hours on 2 CPU cores, estimated at 40 GFLOP/s; not run here
Run       unetmm train recipes/lesions_isic2018_unet.py --data DATA --out runs/lesions_isic2018_unet
          unetmm train recipes/lesions_isic2018_unet.py --data DATA --out runs/lesions_isic2018_unet_full --variant full
"""

from functools import partial

import keras

from keras_unetmm import data, losses, metrics, models
from keras_unetmm.training import Cosine, Recipe

COLOUR = (None, None, 3)


def network(model, row, **arguments):
    """The network, and a small one for --smoke."""
    model = partial(model, row, input_shape=COLOUR, channels=16, order="conv-norm-relu", classes=1, **arguments)
    return {"model": model, "smoke": {"model": partial(model, channels=2, levels=2)}}


recipe = Recipe(
    **network(models.UNet, "ronneberger2015", skips="sat"),
    variants={
        "full": network(models.UNet, "ronneberger2015", skips="full"),
        "at": network(models.UNet, "ronneberger2015", skips="at"),
        "st": network(models.UNet, "ronneberger2015", skips="st"),
        "lunet": network(models.LUnet, "mcu_width8", skips="full"),
    },
    # data
    train=partial(data.isic2018, size=(128, 128)),
    evaluate={"isic2018_val": partial(data.isic2018, split="val", size=(128, 128))},
    batch=16,
    augment=("flip", "rotate90"),
    # optimization
    loss=losses.SegmentationLoss,
    optimizer=keras.optimizers.Adam,
    schedule=Cosine(start=1e-3, end=1e-6),
    steps=5_000,
    save_every=200,
    evaluate_every=1000,
    # what is reported
    metrics=(metrics.Dice, metrics.FalsePositiveRate, metrics.FalseNegativeRate),
    seed=0,
)
