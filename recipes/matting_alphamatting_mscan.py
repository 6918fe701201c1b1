# SPDX-License-Identifier: Apache-2.0
"""Mattes of flowers, toys and hair, without a trimap: MSCAN with UNet-- skips, microcontroller width.

Data      the 27 public pictures of alphamatting.com, at most 512 pixels a side: 22 to train on, every fifth to evaluate
Paper     UNet-- (arXiv 2412.18276), section 4, on portraits; this is its small brother. 22 pictures teach no network what a
          foreground is: this shows that matting works from data to matte, no more
Expect    a lower SAD than before training; nothing is published, of no variant (full, none)
Takes     an hour with its evaluations on 2 CPU cores, estimated at 40 GFLOP/s; not run here
Run       unetmm train recipes/matting_alphamatting_mscan.py --data DATA --out runs/matting_alphamatting_mscan
          unetmm train recipes/matting_alphamatting_mscan.py --data DATA --out runs/matting_alphamatting_full --variant full
"""

from functools import partial

import keras

from keras_unetmm import data, losses, metrics, models
from keras_unetmm.training import Cosine, Recipe


def network(skips):
    """The network."""
    return {"model": partial(models.MSCANMatting, "mcu_width16", skips=skips)}


recipe = Recipe(
    **network("unet--"),
    variants={"full": network("full"), "none": network("none")},
    # data
    train=data.alphamatting,
    evaluate={"alphamatting_test": partial(data.alphamatting, split="test")},
    evaluate_multiple=32,
    patch=192,
    batch=8,
    augment=("flip",),
    normalize=((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    # optimization
    loss=partial(losses.MattingLoss, unknown_weight=4.0),
    optimizer=partial(keras.optimizers.AdamW, weight_decay=0.01),
    schedule=Cosine(start=1e-3, end=1e-6),
    steps=5_000,
    save_every=200,
    evaluate_every=1000,
    # what is reported
    metrics=(
        metrics.SAD,
        partial(metrics.SAD, unknown=True, name="sad_unknown"),
        metrics.MattingMSE,
        partial(metrics.MattingMSE, unknown=True, name="matting_mse_unknown"),
    ),
    validate=None,
    seed=0,
)
