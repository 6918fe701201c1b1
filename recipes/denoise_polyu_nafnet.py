# SPDX-License-Identifier: Apache-2.0
"""Real noise of cameras: NAFNet with UNet-- skips, microcontroller width.

Data      PolyU, 512x512 crops of 40 scenes by five cameras, the mean of many shots as reference; every fifth scene is for
          evaluation, for no split is published
Paper     UNet-- (arXiv 2412.18276), section 4.1, on SIDD; this is its small brother, with its optimizer and patches of 128
Expect    above the noisy images; on this split nothing is published, of no variant (full, none)
Takes     three hours on 2 CPU cores, estimated at 40 GFLOP/s; not run here
Run       unetmm train recipes/denoise_polyu_nafnet.py --data DATA --out runs/denoise_polyu_nafnet
          unetmm train recipes/denoise_polyu_nafnet.py --data DATA --out runs/denoise_polyu_nafnet_full --variant full
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
    train=partial(data.polyu, split="train"),
    evaluate={"polyu_test": partial(data.polyu, split="test")},
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
    metrics=(partial(metrics.PSNR, rounded=True), partial(metrics.SSIM, rounded=True)),
    validate=None,
    seed=0,
)
