# SPDX-License-Identifier: Apache-2.0
"""Colour denoising at sigma 25: NAFNet with UNet-- skips, microcontroller width.

Data      BSDS500 train + test, 398 photographs (two are also in Set5 and Set12); evaluated on CBSD68 and Kodak24
Paper     UNet-- (arXiv 2412.18276), section 4.1, on SIDD; its small brother on synthetic noise. E' has 16 channels at
          half the resolution (figure 3b), and the encoder's block at full resolution, of whose map two channels stay, has
          become the decoder's second. Variant published has the paper's ratios, variants full and none the other skips.
          tiled, tiled_full and tiled_none are published, full and none without means over whole maps, to run tile by tile;
          long is tiled trained on, with noise as a file of 8 bits has it, cut at black and white: --from takes the run of
          tiled, or from_preset("denoise-tiled") saved as a .keras file; large trains long on, in patches of 128
Expect    CBSD68 30.38 dB, Kodak24 30.95; with full skips 30.43 and 31.07; tiled 30.43 and 31.05, tiled_full 30.52 and
          31.16, tiled_none 30.33 and 30.93, as measured (CDnCNN-B, with 0.67M parameters, has 31.24 on CBSD68); on
          noise as bytes have it, long 30.83 and 31.54, large 30.93 and 31.66, as integers 30.92 and 31.66
Takes     half an hour on a CPU core, measured; long, large, and large as integers an hour and a half each
Run       unetmm train recipes/denoise_bsd_nafnet.py --data DATA --out runs/denoise_bsd_nafnet
          unetmm train recipes/denoise_bsd_nafnet.py --data DATA --out runs/denoise_bsd_nafnet_full --variant full
"""

from functools import partial

import keras

from keras_unetmm import data, losses, metrics, models, skips
from keras_unetmm.training import Cosine, Recipe

TINY = {"encoder_depths": (1, 0, 0, 0), "middle_depth": 0, "decoder_depths": (0, 0, 0, 1)}
DECODER = {"encoder_depths": (0, 1, 1, 1), "decoder_depths": (1, 1, 1, 2)}  # the encoder's first block is the decoder's last

NOISE = partial(data.gaussian_noise, sigma=25 / 255)
LONG = {"degrade": data.in_order(NOISE, data.as_bytes), "steps": 9_000, "evaluate_every": 3000}
LARGE = {  # the network sees further than 64 pixels
    **{"patch": 128, "batch": 4, "schedule": Cosine(start=7e-4, end=1e-6)},
    "quantize": {"steps": 4_000, "schedule": Cosine(start=3e-4, end=1e-6), "evaluate_every": 4_000},
}


def network(skips, row="mcu_width16", **depths):
    """The network, and one with fewer blocks for --smoke."""
    model = partial(models.NAFNet, row, skips=skips, **depths)
    return {"model": model, "smoke": {"model": partial(model, **TINY)}}


recipe = Recipe(
    **network(skips.UNetMinusMinus((8, 8, 8, 4), level=1), **DECODER),
    variants={
        "published": network("unet--"),
        "full": network("full"),
        "none": network("none"),
        "tiled": network("unet--", "mcu_width16_tiled"),
        "tiled_full": network("full", "mcu_width16_tiled"),
        "tiled_none": network("none", "mcu_width16_tiled"),
        "long": network("unet--", "mcu_width16_tiled") | LONG,
        "large": network("unet--", "mcu_width16_tiled") | LONG | LARGE,
    },
    # data
    train=partial(data.bsds500, splits=("train", "test"), leave_out=("302003", "12003")),
    evaluate={"cbsd68": data.cbsd68, "kodak24": data.kodak24},
    degrade=NOISE,
    patch=64,
    batch=16,
    augment=("flip", "rotate90"),
    # optimization
    loss=losses.PSNRLoss,
    optimizer=partial(keras.optimizers.AdamW, beta_2=0.9, weight_decay=0.0),
    schedule=Cosine(start=1e-3, end=1e-6),
    steps=4_500,
    save_every=200,
    evaluate_every=1000,
    # what is reported
    metrics=(metrics.PSNR, metrics.SSIM),
    validate=24,
    seed=0,
)
