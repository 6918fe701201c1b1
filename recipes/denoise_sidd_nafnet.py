# SPDX-License-Identifier: Apache-2.0
"""Real noise of phones: NAFNet with UNet-- skips, the paper's main experiment.

Data      SIDD-Medium sRGB, 320 pairs; evaluated on its 1,280 validation blocks of 256x256
Paper     UNet-- (arXiv 2412.18276), section 4.1: Adam(0.9, 0.9), 200K iterations of 32 patches, cosine, PSNR loss. What it
          does not print is as in the public options of NAFNet's authors for this network on SIDD: no flips or rotations,
          gradients clipped to a norm of 0.01. The paper cuts its patches once, without overlap; here windows are random
Expect    variant         PSNR     SSIM    skip memory of a 256x256 image at 8 bits
          (none, UNet--)  40.01    0.960   0.25 MiB
          full            39.97    0.960   3.75 MiB
          none (Model 0)  39.61    0.957   0          Table 4; in Table 1, on the validation set, 39.4737 and 0.9561
          model_1         39.7906  0.9587  2 MiB      Table 1: the skip of E1 alone
          model_2         39.8738  0.9593  1 MiB
          model_3         39.8703  0.9593  512 KiB
          model_4         39.8111  0.9587  256 KiB
Takes     18 hours on one H100, estimated at 10 TFLOP/s; not run here
Run       unetmm train recipes/denoise_sidd_nafnet.py --data DATA --out runs/denoise_sidd_nafnet --cache CACHE
          unetmm train recipes/denoise_sidd_nafnet.py --data DATA --out runs/denoise_sidd_nafnet_full --variant full
          and so with none and model_1 to model_4
"""

from functools import partial

import keras

from keras_unetmm import data, losses, metrics, models, skips
from keras_unetmm.training import Cosine, Recipe

TINY = {"encoder_depths": (1, 0, 0, 0), "middle_depth": 0, "decoder_depths": (0, 0, 0, 1)}


def network(kind):
    """The published network, and a small one for --smoke."""
    return {
        "model": partial(models.NAFNet, "sidd_width32", skips=kind),
        "smoke": {"model": partial(models.NAFNet, "mcu_width16", skips=kind, **TINY)},
    }


recipe = Recipe(
    **network("unet--"),
    variants={
        "full": network("full"),
        "none": network("none"),
        "model_1": network(skips.Only(0)),
        "model_2": network(skips.Only(1)),
        "model_3": network(skips.Only(2)),
        "model_4": network(skips.Only(3)),
    },
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
