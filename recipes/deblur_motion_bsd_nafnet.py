# SPDX-License-Identifier: Apache-2.0
"""Blur of a shaking camera, synthetic: NAFNet with UNet-- skips, microcontroller width.

Data      BSDS500 train + test, 398 photographs, blurred along random paths of up to 15 pixels; evaluated on CBSD68 and
          Kodak24 blurred likewise, and on the sharp frames of two GoPro pairs (1280x720), for a recipe degrades every set
Paper     UNet-- (arXiv 2412.18276), section 4, on GoPro; this is its small brother, which needs no large data set
Expect    above the blurred images; nothing is published, of no variant (full, none)
Takes     three hours on 2 CPU cores, estimated at 40 GFLOP/s; not run here
Run       unetmm train recipes/deblur_motion_bsd_nafnet.py --data DATA --out runs/deblur_motion_bsd_nafnet
          unetmm train recipes/deblur_motion_bsd_nafnet.py --data DATA --out runs/deblur_motion_bsd_full --variant full
"""

from functools import partial

import keras

from keras_unetmm import data, losses, metrics, models
from keras_unetmm.training import Cosine, Recipe

TINY = {"encoder_depths": (1, 0, 0, 0), "middle_depth": 0, "decoder_depths": (0, 0, 0, 1)}


def network(skips):
    """The network, and one with fewer blocks for --smoke."""
    model = partial(models.NAFNet, "mcu_width16", skips=skips)
    return {"model": model, "smoke": {"model": partial(model, **TINY)}}


recipe = Recipe(
    **network("unet--"),
    variants={"full": network("full"), "none": network("none")},
    # data
    train=partial(data.bsds500, splits=("train", "test"), leave_out=("302003", "12003")),
    evaluate={"cbsd68": data.cbsd68, "kodak24": data.kodak24, "gopro_samples": data.gopro_samples},
    degrade=partial(data.motion_blur, length=15),
    patch=128,
    batch=8,
    augment=("flip", "rotate90"),
    # optimization
    loss=losses.PSNRLoss,
    optimizer=partial(keras.optimizers.Adam, beta_1=0.9, beta_2=0.9),
    schedule=Cosine(start=1e-3, end=1e-6),
    steps=20_000,
    save_every=200,
    evaluate_every=2000,
    # what is reported
    metrics=(metrics.PSNR, metrics.SSIM),
    validate=24,
    seed=0,
)
