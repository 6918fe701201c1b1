# SPDX-License-Identifier: Apache-2.0
"""Super-resolution by 2: NAFNet with UNet-- skips, microcontroller width.

Data      BSDS500 train + test, 398 photographs; evaluated on Set5 and Set14, whose odd last row and column are cut off
Paper     UNet-- (arXiv 2412.18276), section 4, on DF2K; this is its small brother, which restores the bicubic enlargement
          of patches of 96 pixels that are shrunk by themselves
Expect    above bicubic, which has 33.66 dB of Y on Set5; the paper's large networks reach 38.23, full 37.74, none 36.89
Takes     three hours on 2 CPU cores, estimated at 40 GFLOP/s; not run here
Run       unetmm train recipes/sr_bsd_nafnet.py --data DATA --out runs/sr_bsd_nafnet
          unetmm train recipes/sr_bsd_nafnet.py --data DATA --out runs/sr_bsd_nafnet_full --variant full
"""

from functools import partial

import keras

from keras_unetmm import data, losses, metrics, models
from keras_unetmm.training import Cosine, Recipe

SCALE = 2
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
    evaluate={"set5": data.cropped(data.set5, SCALE), "set14": data.cropped(data.set14, SCALE)},
    degrade=partial(data.bicubic_loss, scale=SCALE, border="repeat"),
    patch=96,
    batch=16,
    augment=("flip", "rotate90"),
    # optimization
    loss=losses.PSNRLoss,
    optimizer=partial(keras.optimizers.AdamW, beta_1=0.9, beta_2=0.99, weight_decay=0.0),
    schedule=Cosine(start=1e-3, end=1e-5),
    steps=20_000,
    save_every=200,
    evaluate_every=2000,
    # what is reported
    metrics=(
        partial(metrics.PSNR, luma=True, shave=SCALE, rounded=True),
        partial(metrics.SSIM, luma=True, shave=SCALE, rounded=True),
    ),
    validate=None,
    seed=0,
)
