# SPDX-License-Identifier: Apache-2.0
"""Blur of moving cameras: NAFNet that loses one skip after the other while the full network teaches it.

Data      GoPro, 2,103 pairs; evaluated on its 1,111 test pairs of 1280x720
Paper     the row "Tailor" of UNet-- (arXiv 2412.18276), Table 5, which is arXiv 2301.07247; on order, length and weight of
          the distillation UNet-- is silent, here the finest skip goes first, each network has a quarter of the steps, and
          teacher and reference count alike. Network and optimization are those of deblur_gopro_nafnet.py
Expect    32.87 dB, as the network that teaches; without teacher 32.52, with UNet-- 33.06 (deblur_gopro_nafnet.py)
Takes     18 hours once the teacher is trained, on one H100, estimated at 10 TFLOP/s; not run here
Run       unetmm train recipes/deblur_gopro_nafnet.py --data DATA --out runs/deblur_gopro_nafnet_full --variant full
          unetmm train recipes/deblur_gopro_tailor.py --data DATA --out runs/deblur_gopro_tailor \
              --teacher runs/deblur_gopro_nafnet_full/best.keras
"""

from functools import partial

import keras

from keras_unetmm import data, losses, metrics, models, skips
from keras_unetmm.training import Cosine, Distillation, Recipe

TINY = {"encoder_depths": (1, 0, 0, 0), "middle_depth": 0, "decoder_depths": (0, 0, 0, 1)}


def networks(row, **changes):
    """The teacher and what the student becomes: with the skips of three levels, of two, of one, and with none."""
    kept = [skips.Only((1, 2, 3)), skips.Only((2, 3)), skips.Only(3), "none"]
    first, *removals = (partial(models.NAFNet, row, skips=which, **changes) for which in kept)
    teacher = partial(models.NAFNet, row, skips="full", **changes)
    return {"model": first, "distill": Distillation(teacher, tuple(removals), weight=0.5, loss=losses.PSNRLoss)}


recipe = Recipe(
    **networks("sidd_width32"),
    smoke={**networks("mcu_width16", **TINY), "steps": 8},
    # data
    train=data.gopro,
    evaluate={"gopro_test": partial(data.gopro, split="test")},
    patch=256,
    evaluate_local=384,
    batch=32,
    augment=("flip", "rotate90"),
    # optimization
    loss=losses.PSNRLoss,
    optimizer=partial(keras.optimizers.AdamW, beta_1=0.9, beta_2=0.9, weight_decay=1e-3, global_clipnorm=0.01),
    schedule=Cosine(start=1e-3, end=1e-7),
    steps=200_000,
    # what is reported
    metrics=(partial(metrics.PSNR, rounded=True), partial(metrics.SSIM, rounded=True)),
    validate=20,
    seed=0,
)
