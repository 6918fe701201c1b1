# SPDX-License-Identifier: Apache-2.0
"""Skin lesions: U-Net whose skips are Select-Attend-Transfer gates.

Data      ISIC 2017, 2,000 photographs; evaluated on the 150 of its validation part, all resized to 256x256
Paper     SAT (arXiv 1804.05181): ADADELTA (1, 0.95, 1e-8), batch norm after each convolution, Glorot uniform weights. It is
          silent on size, batch, length, loss and augmentation; here as below
Expect    variant      Dice
          (none, SAT)  0.81   with 531,338 parameters
          full         0.79   with 722,401 (printed as 772,401)
          at           0.79   attention without selection
          st           0.79   selection without attention
          Here the skips have the paper's 32, 64 and 128 channels, where SAT saves 191,069 parameters, in the
          paper 191,063 (its gates have a batch norm); the totals differ
Takes     half an hour on one H100, estimated at 10 TFLOP/s; not run here
Run       unetmm train recipes/skin_isic2017_unet.py --data DATA --out runs/skin_isic2017_unet
          unetmm train recipes/skin_isic2017_unet.py --data DATA --out runs/skin_isic2017_unet_full --variant full
          and so with at and st
"""

from functools import partial

import keras

from keras_unetmm import data, losses, metrics, models
from keras_unetmm.training import Recipe


def network(skips):
    """The network, which is the row mcu_width8 widened four times, and that row narrowed for --smoke."""
    return {
        "model": partial(models.UNet, "mcu_width8", channels=32, skips=skips),
        "smoke": {"model": partial(models.UNet, "mcu_width8", channels=2, levels=2, skips=skips)},
    }


recipe = Recipe(
    **network("sat"),
    variants={"full": network("full"), "at": network("at"), "st": network("st")},
    # data
    train=partial(data.isic2017, size=(256, 256)),
    evaluate={"isic2017_val": partial(data.isic2017, split="val", size=(256, 256))},
    batch=8,
    augment=("flip", "rotate90"),
    # optimization
    loss=losses.DiceLoss,
    optimizer=partial(keras.optimizers.Adadelta, learning_rate=1.0, rho=0.95, epsilon=1e-8),
    steps=50_000,
    # what is reported
    metrics=(metrics.Dice, metrics.FalsePositiveRate, metrics.FalseNegativeRate),
    seed=0,
)
