# SPDX-License-Identifier: Apache-2.0
"""Both parts of the hippocampus in MRI, small: Lean U-Net, as many channels at the bottom as at full resolution.

Data      Task04 of the Medical Segmentation Decathlon, volumes of about 35x50x36 voxels in windows of 48x64x48: of those
          that are there, every fifth is for evaluation
Paper     Lean U-Net (arXiv 2512.03834), on HarP; this is its small brother on data that anyone can have
Expect    mean Dice of 0.88 on the 41 test volumes of 208, measured; nothing is published on it. Variant unet, the U-Net
          that the paper compares with, has 0.88 as well, with 8.4 times the parameters
Takes     an hour on one CPU core, measured; variant unet half of it
Run       unetmm train recipes/hippocampus_lunet.py --data DATA --out runs/hippocampus_lunet
          unetmm train recipes/hippocampus_lunet.py --data DATA --out runs/hippocampus_unet --variant unet
"""

from functools import partial

import keras

from keras_unetmm import data, losses, metrics, models
from keras_unetmm.training import Cosine, Recipe


def network(model, row):
    """The network of a row, and a small one for --smoke."""
    return {
        "model": partial(model, row, classes=3),
        "smoke": {
            "model": partial(model, row, levels=2, convolutions=1, classes=3),
            "patch": (16, 16, 16),
            "evaluate_patch": (16, 16, 16),
        },
    }


recipe = Recipe(
    **network(models.LUnet, "harp_width8"),
    variants={"unet": network(models.UNet, "harp_width4")},
    # data
    train=partial(data.hippocampus, partial=True),
    evaluate={"hippocampus_test": partial(data.hippocampus, split="test", partial=True)},
    evaluate_patch=(48, 64, 48),
    patch=(48, 64, 48),
    batch=4,
    device_values=(0.5, 0.125),  # of volumes with mean 0 and deviation 1
    # optimization
    loss=partial(losses.SegmentationLoss, classes=3),
    optimizer=keras.optimizers.Adam,
    schedule=Cosine(start=1e-2, end=1e-5),
    steps=4_000,
    save_every=100,
    evaluate_every=500,
    # what is reported
    metrics=(
        partial(metrics.Dice, classes=3),
        partial(metrics.Dice, classes=3, label=1, name="dice_anterior"),
        partial(metrics.Dice, classes=3, label=2, name="dice_posterior"),
    ),
    validate=None,
    seed=0,
)
