# SPDX-License-Identifier: Apache-2.0
"""Real noise of phones: KBNet with UNet-- skips.

Data      SIDD-Medium sRGB, 320 pairs; evaluated on its 1,280 validation blocks of 256x256
Paper     UNet-- (arXiv 2412.18276), section 4.1, which states one setting for both networks: that of
          denoise_sidd_nafnet.py, here without flips and with gradients clipped to a norm of 0.01 as there. KBNet's authors
          have other public options: AdamW(0.9, 0.999) with weight decay 1e-4 from 3e-4, L1 loss, 300K iterations of growing
          patches, mixup, flips
Expect    variant         PSNR   SSIM   skip memory of a 256x256 image at 8 bits
          (none, UNet--)  40.39  0.962  0.5 MiB
          full            40.35  0.962  7.5 MiB
          none            not published  0
Takes     three days on one H100, estimated at 10 TFLOP/s; not run here
Run       unetmm train recipes/denoise_sidd_kbnet.py --data DATA --out runs/denoise_sidd_kbnet --cache CACHE
          unetmm train recipes/denoise_sidd_kbnet.py --data DATA --out runs/denoise_sidd_kbnet_full --variant full
          and so with none
          where 32 patches are too many for the memory, --accumulate 4 makes a step of 4 times 8
"""

from functools import partial

import keras

from keras_unetmm import data, losses, metrics, models
from keras_unetmm.training import Cosine, Recipe

TINY = {"width": 16, "encoder_depths": (1, 0, 0, 0), "middle_depth": 0, "decoder_depths": (0, 0, 0, 1)}


def network(skips):
    """The published network, and a small one for --smoke."""
    return {
        "model": partial(models.KBNet, "sidd_width64", skips=skips),
        "smoke": {"model": partial(models.KBNet, "sidd_width64", skips=skips, **TINY)},
    }


recipe = Recipe(
    **network("unet--"),
    variants={"full": network("full"), "none": network("none")},
    # data
    train=data.sidd,
    evaluate={"sidd_validation": data.sidd_validation},
    patch=256,
    batch=32,
    # optimization
    loss=losses.PSNRLoss,
    optimizer=partial(keras.optimizers.Adam, beta_1=0.9, beta_2=0.9, global_clipnorm=0.01),
    schedule=Cosine(start=1e-3, end=1e-7),
    steps=200_000,
    # what is reported
    metrics=(partial(metrics.PSNR, rounded=True), partial(metrics.SSIM, rounded=True)),
    seed=0,
)
