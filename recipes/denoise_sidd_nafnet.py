"""Real noise of phones: NAFNet with UNet-- skips, the paper's main experiment.

Data      SIDD-Medium sRGB, 320 pairs; evaluated on its 1,280 validation blocks of 256x256
Paper     UNet-- (arXiv 2412.18276), section 4.1: Adam(0.9, 0.9), 200K iterations of 32 patches, cosine, PSNR loss; on
          augmentation it is silent, here as NAFNet's
Expect    variant         PSNR   SSIM   skip memory of a 256x256 image at 8 bits
          (none, UNet--)  40.01  0.960  0.25 MiB
          full            39.97  0.960  3.75 MiB
          none            39.61  0.957  0
Takes     18 hours on one H100, estimated at 10 TFLOP/s; not run here
Run       unetmm train recipes/denoise_sidd_nafnet.py --data DATA --out runs/denoise_sidd_nafnet --cache CACHE
          unetmm train recipes/denoise_sidd_nafnet.py --data DATA --out runs/denoise_sidd_nafnet_full --variant full
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
        "model": partial(models.NAFNet, "sidd_width32", skips=skips),
        "smoke": {"model": partial(models.NAFNet, "mcu_width16", skips=skips, **TINY)},
    }


recipe = Recipe(
    **network("unet--"),
    variants={"full": network("full"), "none": network("none")},
    # data
    train=data.sidd,
    evaluate={"sidd_validation": data.sidd_validation},
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
    seed=0,
)
