# SPDX-License-Identifier: Apache-2.0
"""Liver in CT: DI2IN whose skips are Select-Attend-Transfer gates.

Data      liver CT of the Medical Segmentation Decathlon (LiTS), 105 scans resampled to 2 mm as in the paper; evaluated on 26
          others, whole, by windows of 128x192x192 voxels. The paper's scans are others: scores cannot be compared
Paper     SAT (arXiv 1804.05181): ADADELTA (1, 0.95, 1e-8), batch norm after each convolution, Glorot uniform weights. It is
          silent on patches, batch, length, loss and augmentation; here as below
Expect    variant      Dice
          (none, SAT)  0.96   with 2,063,053 parameters, exactly those here
          full         0.96   with 2,353,089, too
          at, st       attention without selection, selection without attention: not in our notes of the paper
Takes     an hour on one H100, estimated at 10 TFLOP/s; not run here; resampling 131 scans comes on top
Run       unetmm train recipes/liver_ct_di2in.py --data DATA --out runs/liver_ct_di2in
          unetmm train recipes/liver_ct_di2in.py --data DATA --out runs/liver_ct_di2in_full --variant full
          and so with at and st
"""

from functools import partial

import keras

from keras_unetmm import data, losses, metrics, models
from keras_unetmm.training import Recipe


def network(skips):
    """The published network, and a small one for --smoke."""
    return {
        "model": partial(models.DI2IN, "liver_width16", skips=skips),
        "smoke": {
            "model": partial(models.DI2IN, "liver_width16", channels=2, levels=2, skips=skips),
            "patch": (16, 16, 16),
            "evaluate_window": (16, 16, 16),
        },
    }


recipe = Recipe(
    **network("sat"),
    variants={"full": network("full"), "at": network("at"), "st": network("st")},
    # data
    train=partial(data.liver, spacing=2.0),
    evaluate={"liver_test": partial(data.liver, split="test", spacing=2.0)},
    evaluate_window=(128, 192, 192),
    patch=(96, 128, 128),
    batch=2,
    augment=("flip",),
    # optimization
    loss=losses.DiceLoss,
    optimizer=partial(keras.optimizers.Adadelta, learning_rate=1.0, rho=0.95, epsilon=1e-8),
    steps=50_000,
    evaluate_every=10_000,
    # what is reported
    metrics=(metrics.Dice, metrics.FalsePositiveRate, metrics.FalseNegativeRate),
    validate=10,
    seed=0,
)
