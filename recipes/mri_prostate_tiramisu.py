# SPDX-License-Identifier: Apache-2.0
"""Prostate in MRI: 3-D Tiramisu (FC-DenseNet) whose skips, those in dense blocks too, are Select-Attend-Transfer gates.

Data      prostate MRI of the Medical Segmentation Decathlon, 26 volumes resampled to the paper's 2 mm; evaluated on 6
          others, whole, by windows of 64x96x96 voxels. The paper's volumes are others: scores cannot be compared
Paper     SAT (arXiv 1804.05181): ADADELTA (1, 0.95, 1e-8), batch norm after each convolution, Glorot uniform weights, for
          which Tiramisu here keeps He's. It is silent on patches, batch, length, loss and augmentation; here as below
Expect    variant      Dice
          (none, SAT)  0.82   with 8,453,632 parameters
          full         0.79   with 10,202,993
          at, st       the paper's Table 2 has no such rows
          Here it is FC-DenseNet67 in three dimensions; the paper's own Tiramisu could not be recovered from its counts
Takes     an hour on one H100, estimated at 10 TFLOP/s; not run here
Run       unetmm train recipes/mri_prostate_tiramisu.py --data DATA --out runs/mri_prostate_tiramisu
          unetmm train recipes/mri_prostate_tiramisu.py --data DATA --out runs/mri_prostate_tiramisu_full --variant full
          and so with at and st
"""

from functools import partial

import keras

from keras_unetmm import data, losses, metrics, models
from keras_unetmm.training import Recipe

GRAY = (None, None, None, 1)
TINY = {"depths": (1, 1), "growth": 4, "channels": 4}


def network(skips):
    """The network, gated inside its dense blocks as between them, and a small one for --smoke."""
    return {
        "model": partial(
            models.Tiramisu, "fc_densenet67", rank=3, input_shape=GRAY, classes=1, skips=skips, dense_skips=skips
        ),
        "smoke": {
            "model": partial(
                models.Tiramisu, "fc_densenet67", rank=3, input_shape=GRAY, classes=1, skips=skips, dense_skips=skips, **TINY
            ),
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
    evaluate_window=(64, 96, 96),
    patch=(32, 96, 96),
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
