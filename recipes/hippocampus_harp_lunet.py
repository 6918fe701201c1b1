"""Hippocampus in MRI: Lean U-Net, as many channels at the bottom as at full resolution.

Data      HarP, 64x64x64 voxels around each hippocampus, arranged by the user: 200 to train on and 70 to test
Paper     Lean U-Net (arXiv 2512.03834): Adam, 0.01. On batch, length, loss and augmentation our notes of it are silent; here
          batches of 4, 300 epochs, Dice, flips. The paper has two outputs, here one is enough
Expect    variant             parameters with two outputs
          (none, LUnet of 4)   10,702
          lunet_width2          2,772
          lunet_width8         42,042
          unet_width4         353,954, the U-Net that LUnet is as good as and that STAMP prunes
          unet_width2          88,810, half as wide
          few                 LUnet of 4 on the other split: 50 to train on, 220 to test
          The paper finds LUnet and U-Net alike in Dice; its figures are not in our notes
Takes     two hours on 2 CPU cores, estimated at 40 GFLOP/s; not run here
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


def network(model, row):
    """The network of a row, and a small one for --smoke."""
    return {
        "model": partial(model, row, classes=1),
        "smoke": {
            "model": partial(model, row, levels=2, convolutions=1, classes=1),
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
        "unet_width2": network(models.UNet, "harp_width2"),
        "few": {**split(50), "steps": 3_750},
    },
    # data
    **split(200),
    evaluate_patch=(64, 64, 64),
    patch=(64, 64, 64),
    batch=4,
    augment=("flip",),
    # optimization
    loss=losses.DiceLoss,
    optimizer=partial(keras.optimizers.Adam, learning_rate=0.01),
    steps=15_000,
    save_every=250,
    evaluate_every=750,
    # what is reported
    metrics=(metrics.Dice,),
    validate=None,
    seed=0,
)
