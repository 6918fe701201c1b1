# SPDX-License-Identifier: Apache-2.0
"""Pruning a U-Net while it trains, on both parts of the hippocampus in MRI: STAMP and its simpler rivals.

Data      Task04 of the Medical Segmentation Decathlon, volumes of about 35x50x36 voxels in windows of 32x48x32, which leave
          4 voxels of the hippocampus in 10,000 out: of those that are there, every fifth is for evaluation
Paper     STAMP (Dinsdale et al., Medical Image Analysis 2022) and Lean U-Net (arXiv 2512.03834), on HarP, as
          hippocampus_harp_stamp.py has it. Both remove one channel after some epochs of recovery; here eight go every 20
          steps, a quarter of one, from 368 channels to 92, or in variant collapse to the last of each layer
Expect    whole, unet_width4, a mean Dice of 0.881 on the 41 test volumes of 208, median of three seeds, as measured; of
          pruned networks what docs/results/pruning.md has. Variants: taylor, layer, widest, random, macs, collapse and
          collapse_widest prune by other rules; unet_width4, unet_width3, unet_width2, unet_width1, lunet_width2,
          lunet_width4 and lunet_width8 are trained as they are
Takes     three minutes on one CPU core with torch, measured
Run       unetmm train recipes/hippocampus_stamp.py --data DATA --out runs/hippocampus_stamp
          unetmm train recipes/hippocampus_stamp.py --data DATA --out runs/hippocampus_widest --variant widest
"""

from functools import partial

import keras

from keras_unetmm import data, losses, metrics, models
from keras_unetmm.pruning import Pruning
from keras_unetmm.training import Cosine, Recipe

TINY = {"levels": 2, "convolutions": 1, "classes": 3}
RULE = partial(Pruning, start=320, every=20, count=8, target_channels=92, keep=(0.75, 0.5, 0.25))


def network(model, row, **changes):
    """A network that is trained as it is."""
    return {"model": partial(model, row, classes=3, **changes), "prune": None}


recipe = Recipe(
    model=partial(models.UNet, "harp_width4", classes=3),
    prune=RULE(),
    variants={
        "taylor": {"prune": RULE(criterion="taylor")},
        "layer": {"prune": RULE(choice="layer")},
        "widest": {"prune": RULE(choice="widest")},
        "random": {"prune": RULE(criterion="random")},
        "macs": {"prune": RULE(saving="macs")},
        "collapse": {"prune": RULE(target_channels=18)},
        "collapse_widest": {"prune": RULE(target_channels=18, choice="widest")},
        "unet_width4": network(models.UNet, "harp_width4"),
        "unet_width3": network(models.UNet, "harp_width3"),
        "unet_width2": network(models.UNet, "harp_width2"),
        "unet_width1": network(models.UNet, "harp_width2", channels=1),
        "lunet_width2": network(models.LUnet, "harp_width2"),
        "lunet_width4": network(models.LUnet, "harp_width4"),
        "lunet_width8": network(models.LUnet, "harp_width8"),
    },
    # data
    train=partial(data.hippocampus, partial=True),
    evaluate={"hippocampus_test": partial(data.hippocampus, split="test", partial=True)},
    evaluate_patch=(32, 48, 32),
    patch=(32, 48, 32),
    batch=2,
    device_values=(0.5, 0.125),  # of volumes with mean 0 and deviation 1
    # optimization
    loss=partial(losses.SegmentationLoss, classes=3),
    optimizer=keras.optimizers.Adam,
    schedule=Cosine(start=1e-2, end=1e-4),
    steps=1_600,
    save_every=20,
    evaluate_every=160,
    # what is reported
    metrics=(
        partial(metrics.Dice, classes=3),
        partial(metrics.Dice, classes=3, label=1, name="dice_anterior"),
        partial(metrics.Dice, classes=3, label=2, name="dice_posterior"),
    ),
    validate=12,
    seed=0,
    smoke={
        "model": partial(models.UNet, "harp_width4", **TINY),
        "patch": (16, 16, 16),
        "evaluate_patch": (16, 16, 16),
    },
)
