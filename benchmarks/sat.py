"""Select-Attend-Transfer on skin lesions: share of channels off, Dice and its spread, beside the paper's Table 1.

    python benchmarks/sat.py --data DATA --out OUT [--seeds 3] [ROW ...]

Trains what is missing of the rows, seed by seed, and prints the table after each run. The network is that of
recipes/lesions_isic2018_mcu.py with its loss and optimizer, at 64x64 pixels and 600 steps: a minute and a half a run on one
idle core with torch (KERAS_BACKEND). V-Net is that of the paper with 4 channels at full resolution, not 16, and two
convolutions a stage at most. Dice is that of the best weights on the validation images: mean and standard deviation over
images, and over seeds. Runs lie in OUT and are taken from there the next time; a killed run goes on. This file is a recipe
as well: `unetmm train benchmarks/sat.py --variant sat-0`.
"""

import os
from functools import partial

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

from keras_unetmm import data, losses, metrics, models
from keras_unetmm.skips import SAT, ST
from keras_unetmm.training import Cosine, Recipe

SEEDS, SIZE, STEPS = 3, 64, 600
COLOUR = (None, None, 3)
UNET = partial(models.UNet, "mcu_width8", input_shape=COLOUR)
VNET = partial(models.VNet, "sat", rank=2, input_shape=COLOUR, channels=4, convolutions=(1, 2, 2, 2, 2))
PAPER = {"unet": 66.7, "vnet": 54.5}  # per cent of channels off on skin
NETWORKS = {
    "full": partial(UNET, skips="full"),
    "sat": partial(UNET, skips="sat"),
    "at": partial(UNET, skips="at"),
    "st": partial(UNET, skips="st"),
    "sat_half": partial(UNET, skips=SAT(initializer=0.5)),
    "sat_sparse4": partial(UNET, skips=SAT(sparsity=1e-4)),
    "sat_sparse3": partial(UNET, skips=SAT(sparsity=1e-3)),
    "sat_sparse2": partial(UNET, skips=SAT(sparsity=1e-2)),
    "st_sparse3": partial(UNET, skips=ST(sparsity=1e-3)),
    "sat_hard_sigmoid": partial(UNET, skips=SAT(activation="hard_sigmoid")),
    "sat_sigmoid": partial(UNET, skips=SAT(activation="sigmoid")),
    "vnet_full": partial(VNET, skips="full"),
    "vnet_sat": partial(VNET, skips="sat"),
    "vnet_at": partial(VNET, skips="at"),
    "vnet_st": partial(VNET, skips="st"),
}
THREE_SEEDS = ("full", "sat", "at", "st")  # the other rows have one
ISIC = partial(data.isic2018, size=(SIZE, SIZE))


VARIANTS = {f"{row}-{seed}": {"model": NETWORKS[row], "seed": seed} for seed in range(SEEDS) for row in NETWORKS}

recipe = Recipe(
    model=NETWORKS["sat"],
    variants=VARIANTS,
    # data
    train=ISIC,
    evaluate={"isic2018_val": partial(ISIC, split="val")},
    batch=16,
    augment=("flip", "rotate90"),
    # optimization
    loss=losses.SegmentationLoss,
    optimizer=keras.optimizers.Adam,
    schedule=Cosine(start=3e-3, end=3e-5),
    steps=STEPS,
    save_every=100,
    evaluate_every=300,
    # what is reported
    metrics=(metrics.Dice, metrics.FalsePositiveRate, metrics.FalseNegativeRate),
    validate=None,
)
