# SPDX-License-Identifier: Apache-2.0
"""An organ in CT, such as the submandibular gland: Lean U-Net, the U-Nets it is compared with, and STAMP.

Data      CT volumes with masks of one organ, arranged by the user under DATA/ct, windows of 128x128x128 voxels, for
          evaluation the middle one
Paper     Lean U-Net (arXiv 2512.03834), Table I, on data that are not published: 222 to train on, 56 to test; Adam,
          0.001, batch 1; U-Net of 4 levels, 3 convolutions and n = 24, which STAMP prunes by one channel after each
          epoch until it collapses. On length, loss, augmentation and the window of Hounsfield units it is silent; here 40K
          steps, and in pruning an epoch for each of 1,563 channels, Dice, none, and -1000 to 400
Expect    variant              parameters with two outputs; here one is enough
          (none, LUnet of 24)    373,802
          unet_width24         4,802,546, and unet_width18, unet_width12 and unet_width6 are 75, 50 and 25 % as wide
          stamp, layer, widest prune unet_width24, see hippocampus_harp_stamp.py
          The paper finds LUnet and U-Net alike in Dice; the scores of its Table III are not in the text that we have
Takes     LUnet three hours, U-Net five and pruning about a day and a half on one H100, estimated at 10 TFLOP/s; not run here
Run       unetmm train recipes/organ_ct_lunet.py --data DATA --out runs/organ_ct_lunet
          unetmm train recipes/organ_ct_lunet.py --data DATA --out runs/organ_ct_stamp --variant stamp
          unetmm train recipes/organ_ct_lunet.py --data DATA --out runs/organ_ct_anew_50 --variant unet_width24
              --architecture-from runs/organ_ct_stamp/kept_50.keras
          unetmm pruning runs/organ_ct_* --out pictures
"""

from functools import partial

import keras

from keras_unetmm import data, losses, metrics, models
from keras_unetmm.pruning import Pruning
from keras_unetmm.training import Recipe

EPOCH = 222  # volumes to train on, one a step
LAYERS, CHANNELS = 21, 1584  # of the U-Net's 3x3x3 convolutions


def network(model, **changes):
    """The network, and a small one for --smoke."""
    return {
        "model": partial(model, "ct_width24", classes=1, **changes),
        "smoke": {
            "model": partial(model, "ct_width24", channels=2, levels=2, convolutions=1, classes=1),
            "patch": (16, 16, 16),
            "evaluate_patch": (16, 16, 16),
        },
    }


def pruned(**changes):
    """The U-Net, which loses a channel after each epoch."""
    rule = Pruning(start=EPOCH, every=EPOCH, target_channels=LAYERS, keep=(0.75, 0.5, 0.25), **changes)
    often = {"save_every": EPOCH, "evaluate_every": 50 * EPOCH}
    return {**network(models.UNet), "prune": rule, "steps": EPOCH * (CHANNELS - LAYERS + 1), **often}


recipe = Recipe(
    **network(models.LUnet),
    variants={
        "unet_width24": network(models.UNet),
        "unet_width18": network(models.UNet, channels=18),
        "unet_width12": network(models.UNet, channels=12),
        "unet_width6": network(models.UNet, channels=6),
        "stamp": pruned(),
        "layer": pruned(choice="layer"),
        "widest": pruned(choice="widest"),
    },
    # data
    train=data.ct_organ,
    evaluate={"ct_test": partial(data.ct_organ, split="test")},
    evaluate_patch=(128, 128, 128),
    patch=(128, 128, 128),
    batch=1,
    # optimization
    loss=losses.DiceLoss,
    optimizer=partial(keras.optimizers.Adam, learning_rate=0.001),
    steps=40_000,
    evaluate_every=1000,
    # what is reported
    metrics=(metrics.Dice,),
    validate=None,
    seed=0,
)
