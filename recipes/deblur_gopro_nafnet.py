# SPDX-License-Identifier: Apache-2.0
"""Blur of moving cameras: NAFNet with UNet-- skips.

Data      GoPro, 2,103 pairs; evaluated on its 1,111 test pairs of 1280x720
Paper     UNet-- (arXiv 2412.18276), section 4.2, with the network of denoising: Table 5 prints its 29.16M parameters and
          16.23G operations, section 4.3 says so. On optimization it is silent, here the public options of NAFNet's authors
          for GoPro: AdamW(0.9, 0.9) with weight decay 1e-3, flips and rotations, gradients clipped to a norm of 0.01, and
          channel attention by means over windows of 1.5 times the training patch when it is evaluated (TLC)
Expect    variant         PSNR   SSIM
          (none, UNet--)  33.06  0.962
          full            32.87  0.960
          none            32.52  0.958
          gopro_width32   32.87  0.960   the network of NAFNet's authors for GoPro, 17.11M parameters, with full skips
Takes     18 hours on one H100, estimated at 10 TFLOP/s; not run here
Run       unetmm train recipes/deblur_gopro_nafnet.py --data DATA --out runs/deblur_gopro_nafnet --cache CACHE
          unetmm train recipes/deblur_gopro_nafnet.py --data DATA --out runs/deblur_gopro_nafnet_full --variant full
          and so with none and gopro_width32
"""

from functools import partial

import keras

from keras_unetmm import data, losses, metrics, models
from keras_unetmm.training import Cosine, Recipe

TINY = {"encoder_depths": (1, 0, 0, 0), "middle_depth": 0, "decoder_depths": (0, 0, 0, 1)}


def network(skips, row="sidd_width32"):
    """The published network, and a small one for --smoke."""
    return {
        "model": partial(models.NAFNet, row, skips=skips),
        "smoke": {"model": partial(models.NAFNet, "mcu_width16", skips=skips, **TINY)},
    }


recipe = Recipe(
    **network("unet--"),
    variants={
        "full": network("full"),
        "none": network("none"),
        "gopro_width32": network("full", "gopro_width32"),
    },
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
