# SPDX-License-Identifier: Apache-2.0
"""Skin lesions: V-Net in two dimensions whose skips are Select-Attend-Transfer gates.

Data      ISIC 2017, 2,000 photographs; evaluated on the 150 of its validation part, all resized to 256x256
Paper     SAT (arXiv 1804.05181): ADADELTA (1, 0.95, 1e-8), batch norm after each convolution, Glorot uniform weights. It is
          silent on size, batch, length, loss and augmentation; here as below
Expect    variant      Dice
          (none, SAT)  0.83   with 12,849,421 parameters
          full         0.81   with 13,923,041
          at           0.82   attention without selection
          st           0.82   selection without attention
          Here the skips have the paper's 16, 32, 64 and 128 channels; the totals differ, see keras_unetmm.models.vnet
Takes     an hour on one H100, estimated at 10 TFLOP/s; not run here
Run       unetmm train recipes/skin_isic2017_vnet.py --data DATA --out runs/skin_isic2017_vnet
          unetmm train recipes/skin_isic2017_vnet.py --data DATA --out runs/skin_isic2017_vnet_full --variant full
          and so with at and st
"""

from functools import partial

import keras

from keras_unetmm import data, losses, metrics, models
from keras_unetmm.training import Recipe


def network(skips):
    """The network, and a small one for --smoke."""
    return {
        "model": partial(models.VNet, "sat", rank=2, input_shape=(None, None, 3), skips=skips),
        "smoke": {
            "model": partial(
                models.VNet, "sat", rank=2, input_shape=(None, None, 3), channels=4, convolutions=(1, 1), skips=skips
            )
        },
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
