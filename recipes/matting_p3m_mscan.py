# SPDX-License-Identifier: Apache-2.0
"""Mattes of portraits, without a trimap: MSCAN-tiny with UNet-- skips.

Data      P3M-10k, 9,421 portraits with blurred faces; evaluated on P3M-500-P, P3M-500-NP (faces as they are) and RWP-636
Paper     UNet-- (arXiv 2412.18276), section 4. It is silent on decoder, loss and optimization; here the decoder of
          keras_unetmm.models.mscan_matting, the mean difference of alpha, and AdamW
Expect    3.95M parameters and a skip memory of 2.56 MB, with UNet-- of 0.14 MB; the paper's SAD and MSE need its decoder
          variant (none) is UNet--; full has every skip, none has no skip
Takes     two hours on one H100, estimated at 10 TFLOP/s; not run here
Run       unetmm train recipes/matting_p3m_mscan.py --data DATA --out runs/matting_p3m_mscan --cache CACHE
          unetmm train recipes/matting_p3m_mscan.py --data DATA --out runs/matting_p3m_mscan_full --variant full
          and so with none
"""

from functools import partial

import keras

from keras_unetmm import data, losses, metrics, models
from keras_unetmm.training import Cosine, Recipe


def network(skips):
    """The network, and a small one for --smoke."""
    return {
        "model": partial(models.MSCANMatting, "tiny", skips=skips),
        "smoke": {"model": partial(models.MSCANMatting, "mcu_width16", skips=skips)},
    }


recipe = Recipe(
    **network("unet--"),
    variants={"full": network("full"), "none": network("none")},
    # data
    train=data.p3m10k,
    evaluate={
        "p3m500p": partial(data.p3m10k, split="p3m500p"),
        "p3m500np": partial(data.p3m10k, split="p3m500np"),
        "rwp636": data.rwp636,
    },
    evaluate_multiple=32,
    patch=512,
    batch=16,
    augment=("flip",),
    normalize=((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    # optimization
    loss=losses.MattingLoss,
    optimizer=partial(keras.optimizers.AdamW, weight_decay=0.01),
    schedule=Cosine(start=1e-3, end=1e-6),
    steps=100_000,
    # what is reported
    metrics=(
        metrics.SAD,
        partial(metrics.SAD, unknown=True, name="sad_unknown"),
        metrics.MattingMSE,
        partial(metrics.MattingMSE, unknown=True, name="matting_mse_unknown"),
    ),
    validate=20,
    seed=0,
)
