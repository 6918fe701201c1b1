"""An organ in CT, such as the submandibular gland or the trachea: Lean U-Net.

Data      CT volumes with masks of one organ, arranged by the user under DATA/ct, windows of 128x128x128 voxels, for
          evaluation the middle one
Paper     Lean U-Net (arXiv 2512.03834), on data that are not published: Adam, 0.001. On batch, length, loss, augmentation
          and window our notes of it are silent; here batches of 2, 20K steps, Dice, flips, and -1000 to 400 Hounsfield units
Expect    variant              parameters with two outputs; here one is enough
          (none, LUnet of 24)    373,802
          unet_width24         4,802,546
          The paper finds both alike in Dice; its figures are not in our notes
Takes     LUnet an hour and a half, U-Net two and a half on one H100, estimated at 10 TFLOP/s; not run here
Run       unetmm train recipes/organ_ct_lunet.py --data DATA --out runs/organ_ct_lunet
          unetmm train recipes/organ_ct_lunet.py --data DATA --out runs/organ_ct_unet --variant unet_width24
"""

from functools import partial

import keras

from keras_unetmm import data, losses, metrics, models
from keras_unetmm.training import Recipe


def network(model):
    """The network, and a small one for --smoke."""
    return {
        "model": partial(model, "ct_width24", classes=1),
        "smoke": {
            "model": partial(model, "ct_width24", channels=2, levels=2, convolutions=1, classes=1),
            "patch": (16, 16, 16),
            "evaluate_patch": (16, 16, 16),
        },
    }


recipe = Recipe(
    **network(models.LUnet),
    variants={"unet_width24": network(models.UNet)},
    # data
    train=data.ct_organ,
    evaluate={"ct_test": partial(data.ct_organ, split="test")},
    evaluate_patch=(128, 128, 128),
    patch=(128, 128, 128),
    batch=2,
    augment=("flip",),
    # optimization
    loss=losses.DiceLoss,
    optimizer=partial(keras.optimizers.Adam, learning_rate=0.001),
    steps=20_000,
    evaluate_every=1000,
    # what is reported
    metrics=(metrics.Dice,),
    validate=None,
    seed=0,
)
