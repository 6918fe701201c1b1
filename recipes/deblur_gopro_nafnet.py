"""Blur of moving cameras: NAFNet with UNet-- skips.

Data      GoPro, 2,103 pairs; evaluated on its 1,111 test pairs of 1280x720
Paper     UNet-- (arXiv 2412.18276), section 4; on the optimization of deblurring it is silent, here that of denoising
Expect    variant         PSNR   SSIM
          (none, UNet--)  33.06  0.962
          full            32.87  0.960   as NAFNet's authors report, who pool over windows of the training size in tests
          none            32.52  0.958   (TLC); here the pools are over the whole image, which can cost a few tenths
Takes     18 hours on one H100, estimated at 10 TFLOP/s; not run here
Run       unetmm train recipes/deblur_gopro_nafnet.py --data DATA --out runs/deblur_gopro_nafnet --cache CACHE
          unetmm train recipes/deblur_gopro_nafnet.py --data DATA --out runs/deblur_gopro_nafnet_full --variant full
          and so with none
"""

from functools import partial

import keras

from keras_unetmm import data, losses, metrics, models
from keras_unetmm.training import Cosine, Recipe

TINY = {"encoder_depths": (1, 0, 0, 0), "middle_depth": 0, "decoder_depths": (0, 0, 0, 1)}


def network(skips):
    """The published network, and a small one for --smoke."""
    return {
        "model": partial(models.NAFNet, "gopro_width32", skips=skips),
        "smoke": {"model": partial(models.NAFNet, "mcu_width16", skips=skips, **TINY)},
    }


recipe = Recipe(
    **network("unet--"),
    variants={"full": network("full"), "none": network("none")},
    # data
    train=data.gopro,
    evaluate={"gopro_test": partial(data.gopro, split="test")},
    patch=256,
    batch=32,
    augment=("flip", "rotate90"),
    # optimization
    loss=losses.PSNRLoss,
    optimizer=partial(keras.optimizers.Adam, beta_1=0.9, beta_2=0.9),
    schedule=Cosine(start=1e-3, end=1e-7),
    steps=200_000,
    # what is reported
    metrics=(partial(metrics.PSNR, rounded=True), partial(metrics.SSIM, rounded=True)),
    validate=20,
    seed=0,
)
