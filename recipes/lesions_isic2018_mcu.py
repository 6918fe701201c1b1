# SPDX-License-Identifier: Apache-2.0
"""Skin lesions, tiny: a U-Net of 8 channels that runs tile by tile, what its skips keep chosen for that.

Data      ISIC 2018, 800 photographs resized to 128x128; evaluated on 200 others
Paper     SAT (arXiv 1804.05181) keeps one channel of every level. Variant unet_minus has the skips of UNet-- (arXiv
          2412.18276), 32 channels at an eighth of the resolution, without response normalization; full and none the others
Expect    Dice of 0.873 with SAT, 0.875 with UNet-- and with full skips, seed 0, measured
Takes     4 minutes on one CPU core, 6 with UNet--, measured
Run       unetmm train recipes/lesions_isic2018_mcu.py --data DATA --out runs/lesions_mcu
          unetmm train recipes/lesions_isic2018_mcu.py --data DATA --out runs/lesions_mcu_unet_minus --variant unet_minus
"""

from functools import partial

import keras

from keras_unetmm import data, losses, metrics, models
from keras_unetmm.skips import UNetMinusMinus
from keras_unetmm.training import Cosine, Recipe

LEVELS = 3  # above the bottleneck


def network(skips, tiny=None):
    """The network, and a small one for --smoke."""
    model = partial(models.UNet, "mcu_width8", input_shape=(None, None, 3))
    return {
        "model": partial(model, skips=skips),
        "smoke": {"model": partial(model, skips=tiny or skips, channels=2, levels=2)},
    }


recipe = Recipe(
    **network("sat"),
    variants={
        "unet_minus": network(UNetMinusMinus((8, 8, 4), local_levels=LEVELS), UNetMinusMinus((1,), local_levels=1)),
        "full": network("full"),
        "none": network("none"),
    },
    # data
    train=partial(data.isic2018, size=(128, 128)),
    evaluate={"isic2018_val": partial(data.isic2018, split="val", size=(128, 128))},
    batch=16,
    augment=("flip", "rotate90"),
    # optimization
    loss=losses.SegmentationLoss,
    optimizer=keras.optimizers.Adam,
    schedule=Cosine(start=3e-3, end=3e-5),
    steps=800,
    save_every=100,
    evaluate_every=400,
    # what is reported
    metrics=(metrics.Dice,),
    validate=None,
    seed=0,
)
