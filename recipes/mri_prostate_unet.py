# SPDX-License-Identifier: Apache-2.0
"""Prostate in MRI: 3-D U-Net whose skips are Select-Attend-Transfer gates.

Data      prostate MRI of the Medical Segmentation Decathlon, 26 volumes resampled to the paper's 2 mm; evaluated on 6
          others, whole, by windows of 48x96x96 voxels. The paper's volumes are others: scores cannot be compared
Paper     SAT (arXiv 1804.05181): ADADELTA (1, 0.95, 1e-8), batch norm after each convolution, Glorot uniform weights. It is
          silent on patches, batch, length, loss and augmentation; here as below
Expect    variant      Dice
          (none, SAT)  0.88   with 1,614,186 parameters
          full         0.87   with 2,188,289
          at           0.88   attention without selection
          st           0.88   selection without attention
          Here the skips have the paper's 32, 64 and 128 channels, where SAT saves 574,109 parameters, in the
          paper 574,103 (its gates have a batch norm); the totals differ
Takes     an hour on one H100, estimated at 10 TFLOP/s; not run here
Run       unetmm train recipes/mri_prostate_unet.py --data DATA --out runs/mri_prostate_unet
          unetmm train recipes/mri_prostate_unet.py --data DATA --out runs/mri_prostate_unet_full --variant full
          and so with at and st
"""

from functools import partial

import keras

from keras_unetmm import data, losses, metrics, models
from keras_unetmm.training import Recipe

GRAY = (None, None, None, 1)


def network(skips):
    """The network, which is the row mcu_width8 in three dimensions and wider, and a small one for --smoke."""
    return {
        "model": partial(models.UNet, "mcu_width8", rank=3, input_shape=GRAY, channels=32, skips=skips),
        "smoke": {
            "model": partial(models.UNet, "mcu_width8", rank=3, input_shape=GRAY, channels=2, levels=2, skips=skips),
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
