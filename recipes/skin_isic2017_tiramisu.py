# SPDX-License-Identifier: Apache-2.0
"""Skin lesions: Tiramisu (FC-DenseNet) whose skips, those in dense blocks too, are Select-Attend-Transfer gates.

Data      ISIC 2017, 2,000 photographs; evaluated on the 150 of its validation part, all resized to 256x256
Paper     SAT (arXiv 1804.05181): ADADELTA (1, 0.95, 1e-8), batch norm after each convolution, Glorot uniform weights, for
          which Tiramisu here keeps He's. It is silent on size, batch, length, loss and augmentation; here as below
Expect    variant      Dice
          (none, SAT)  0.81   with 2,869,312 parameters
          full         0.79   with 3,459,185
          at, st       the paper's Table 2 has no such rows
          Here it is FC-DenseNet67, published with 3.5M; the paper's own Tiramisu could not be recovered from its counts
Takes     half an hour on one H100, estimated at 10 TFLOP/s; not run here
Run       unetmm train recipes/skin_isic2017_tiramisu.py --data DATA --out runs/skin_isic2017_tiramisu
          unetmm train recipes/skin_isic2017_tiramisu.py --data DATA --out runs/skin_isic2017_tiramisu_full --variant full
          and so with at and st
"""

from functools import partial

import keras

from keras_unetmm import data, losses, metrics, models
from keras_unetmm.training import Recipe

TINY = {"depths": (1, 1), "growth": 4, "channels": 4}


def network(skips):
    """The network, gated inside its dense blocks as between them, and a small one for --smoke."""
    return {
        "model": partial(models.Tiramisu, "fc_densenet67", classes=1, skips=skips, dense_skips=skips),
        "smoke": {"model": partial(models.Tiramisu, "fc_densenet67", classes=1, skips=skips, dense_skips=skips, **TINY)},
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
