# SPDX-License-Identifier: Apache-2.0
"""Super-resolution by 2: NAFNet with UNet-- skips.

Data      DF2K (DIV2K and Flickr2K), 3,450 photographs; evaluated on Set5, Set14, B100, Urban100 and Manga109, whose odd last
          row and column are cut off
Paper     UNet-- (arXiv 2412.18276), section 4.3: "the exact same network" as for denoising, AdamW(0.9, 0.99), 500K
          iterations, cosine from 1e-3 to 1e-5. It is silent on where the network enlarges and on patches, batch, loss,
          weight decay and augmentation; here NAFNet restores the bicubic enlargement, in patches that are shrunk by
          themselves, turned and mirrored as in deblurring; the rest is as in denoising, gradients clipped to a norm of 0.01
Expect    variant         PSNR of Y on Set5  Set14  B100   Urban100  Manga109
          (none, UNet--)  38.23              33.96  32.73  32.45     37.93
          full            37.74              33.47  32.16  31.98     37.96
          none            36.89              32.33  31.11  31.01     36.81
Takes     two days on one H100, estimated at 10 TFLOP/s; not run here
Run       unetmm train recipes/sr_df2k_nafnet.py --data DATA --out runs/sr_df2k_nafnet --cache CACHE
          unetmm train recipes/sr_df2k_nafnet.py --data DATA --out runs/sr_df2k_nafnet_full --variant full
          and so with none
"""

from functools import partial

import keras

from keras_unetmm import data, losses, metrics, models
from keras_unetmm.training import Cosine, Recipe

SCALE = 2
TINY = {"encoder_depths": (1, 0, 0, 0), "middle_depth": 0, "decoder_depths": (0, 0, 0, 1)}


def network(skips):
    """The network, and a small one for --smoke."""
    return {
        "model": partial(models.NAFNet, "sidd_width32", skips=skips),
        "smoke": {"model": partial(models.NAFNet, "mcu_width16", skips=skips, **TINY)},
    }


recipe = Recipe(
    **network("unet--"),
    variants={"full": network("full"), "none": network("none")},
    # data
    train=data.df2k,
    evaluate={
        "set5": data.cropped(data.set5, SCALE),
        "set14": data.cropped(data.set14, SCALE),
        "b100": data.cropped(data.b100, SCALE),
        "urban100": data.cropped(data.urban100, SCALE),
        "manga109": data.cropped(data.manga109, SCALE),
    },
    degrade=partial(data.bicubic_loss, scale=SCALE, border="repeat"),
    patch=256,
    batch=32,
    augment=("flip", "rotate90"),
    # optimization
    loss=losses.PSNRLoss,
    optimizer=partial(keras.optimizers.AdamW, beta_1=0.9, beta_2=0.99, weight_decay=0.0, global_clipnorm=0.01),
    schedule=Cosine(start=1e-3, end=1e-5),
    steps=500_000,
    # what is reported
    metrics=(
        partial(metrics.PSNR, luma=True, shave=SCALE, rounded=True),
        partial(metrics.SSIM, luma=True, shave=SCALE, rounded=True),
    ),
    validate=20,
    seed=0,
)
