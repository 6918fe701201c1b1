# SPDX-License-Identifier: Apache-2.0
"""Hippocampus in MRI: Lean U-Net, as many channels at the bottom as at full resolution, and the U-Nets it is compared with.

Data      HarP, 64x64x64 voxels around each hippocampus, arranged by the user: 200 to train on and 70 to test
Paper     Lean U-Net (arXiv 2512.03834), Table I: Adam, 0.01, batch 16. On length and loss it is silent; here Dice, which
          STAMP's code has, and as many steps as hippocampus_harp_stamp.py takes. Neither augments. The paper has two
          outputs, here one is enough. The scores of its Tables II and III are not in the text that we have
Expect    variant             parameters with two outputs
          (none, LUnet of 4)   10,702
          lunet_width2          2,772
          lunet_width8         42,042, better than unet_width4 in the paper
          unet_width4         353,954, the U-Net that STAMP prunes
          unet_width3         199,340, 75 % as wide
          unet_width2          88,810, 50 %, where the paper sees it collapse
          unet_width1          22,364, 25 %
          few                 LUnet of 4 on the other split: 50 to train on, 220 to test
Takes     eleven hours on 2 CPU cores, estimated at 40 GFLOP/s; not run here
Run       unetmm train recipes/hippocampus_harp_lunet.py --data DATA --out runs/hippocampus_harp_lunet
          unetmm train recipes/hippocampus_harp_lunet.py --data DATA --out runs/hippocampus_harp_unet --variant unet_width4
"""

from functools import partial

import keras

from keras_unetmm import data, losses, metrics, models
from keras_unetmm.training import Recipe


def split(count):
    """So many of the volumes to train on, all others to test."""
    return {
        "train": partial(data.harp, count=count),
        "evaluate": {"harp_test": partial(data.harp, split="test", count=count)},
    }


def network(model, row, **changes):
    """The network of a row, and a small one for --smoke."""
    return {
        "model": partial(model, row, classes=1, **changes),
        "smoke": {
            "model": partial(model, row, **{**changes, "levels": 2, "convolutions": 1}, classes=1),
            "patch": (16, 16, 16),
            "evaluate_patch": (16, 16, 16),
            **split(4),
        },
    }


recipe = Recipe(
    **network(models.LUnet, "harp_width4"),
    variants={
        "lunet_width2": network(models.LUnet, "harp_width2"),
        "lunet_width8": network(models.LUnet, "harp_width8"),
        "unet_width4": network(models.UNet, "harp_width4"),
        "unet_width3": network(models.UNet, "harp_width3"),
        "unet_width2": network(models.UNet, "harp_width2"),
        "unet_width1": network(models.UNet, "harp_width2", channels=1),
        "few": {**split(50), "steps": 5_265, "save_every": 15, "evaluate_every": 150},
    },
    # data
    **split(200),
    evaluate_patch=(64, 64, 64),
    patch=(64, 64, 64),
    batch=16,
    device_values=(0.5, 0.125),  # of volumes with mean 0 and deviation 1
    # optimization
    loss=losses.DiceLoss,
    optimizer=partial(keras.optimizers.Adam, learning_rate=0.01),
    steps=21_060,
    save_every=60,
    evaluate_every=600,
    # what is reported
    metrics=(metrics.Dice,),
    validate=None,
    seed=0,
)
