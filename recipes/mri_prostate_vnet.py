# SPDX-License-Identifier: Apache-2.0
"""Prostate in MRI: V-Net whose skips are Select-Attend-Transfer gates.

Data      prostate MRI of the Medical Segmentation Decathlon, 26 volumes resampled to the paper's 2 mm; evaluated on 6
          others, whole, by windows of 48x96x96 voxels. The paper's volumes are others: scores cannot be compared
Paper     SAT (arXiv 1804.05181): ADADELTA (1, 0.95, 1e-8), batch norm after each convolution, Glorot uniform weights. It is
          silent on patches, batch, length, loss and augmentation; here as below
Expect    variant      Dice
          (none, SAT)  0.87   with 70,846,893 parameters
          full         0.85   with 76,224,513
          at           0.86   attention without selection
          st           0.86   selection without attention
          Here the skips have the paper's 16, 32, 64 and 128 channels; the totals differ, see keras_unetmm.models.vnet
Takes     an hour and a half on one H100, estimated at 10 TFLOP/s; not run here
Run       unetmm train recipes/mri_prostate_vnet.py --data DATA --out runs/mri_prostate_vnet
          unetmm train recipes/mri_prostate_vnet.py --data DATA --out runs/mri_prostate_vnet_full --variant full
          and so with at and st
"""

from functools import partial

import keras

from keras_unetmm import data, losses, metrics, models
from keras_unetmm.training import Recipe


def network(skips):
    """The network, and a small one for --smoke."""
    return {
        "model": partial(models.VNet, "sat", skips=skips),
        "smoke": {
            "model": partial(models.VNet, "sat", channels=2, convolutions=(1, 1), kernel_size=3, skips=skips),
            "patch": (16, 16, 16),
            "evaluate_window": (16, 16, 16),
        },
    }


recipe = Recipe(
    **network("sat"),
    variants={"full": network("full"), "at": network("at"), "st": network("st")},
    # data
    train=partial(data.prostate, spacing=2.0),
    evaluate={"prostate_test": partial(data.prostate, split="test", spacing=2.0)},
    evaluate_window=(48, 96, 96),
    patch=(48, 96, 96),
    batch=2,
    augment=("flip",),
    device_values=(0.5, 0.125),  # of volumes with mean 0 and deviation 1
    # optimization
    loss=losses.DiceLoss,
    optimizer=partial(keras.optimizers.Adadelta, learning_rate=1.0, rho=0.95, epsilon=1e-8),
    steps=20_000,
    # what is reported
    metrics=(metrics.Dice, metrics.FalsePositiveRate, metrics.FalseNegativeRate),
    seed=0,
)
