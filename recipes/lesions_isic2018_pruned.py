# SPDX-License-Identifier: Apache-2.0
"""Skin lesions, for a device: a U-Net that loses the channels that save most for the Dice they cost, while it trains.

Data      ISIC 2018, 800 photographs resized to 64x64; evaluated on 200 others
Paper     STAMP (Dinsdale et al., Medical Image Analysis 2022) ranks channels by their activations alone, which is variant
          stamp; that up-convolutions lose channels, too, is ours. Here each layer's least channel is tried, and one goes for
          the bytes of planned arena it saves or, in variant macs, for multiply-accumulates, or, in variant engine, for the
          engine's RAM, against the loss without it. All end with 370 of 408 channels
Expect    Dice of 0.892 in a planned arena of 57,344 bytes at 64x64, where stamp has 0.890 in the 131,072 that the whole
          network takes, with 0.895, measured
Takes     half an hour on one CPU core, most of it for converting and planning; the other variants a quarter of it
Run       unetmm train recipes/lesions_isic2018_pruned.py --data DATA --out runs/lesions_pruned
          unetmm train recipes/lesions_isic2018_pruned.py --data DATA --out runs/lesions_stamp --variant stamp
"""

from functools import partial

import keras

from keras_unetmm import data, losses, metrics, models
from keras_unetmm.pruning import Pruning
from keras_unetmm.training import Cosine, Recipe

RULE = partial(Pruning, start=400, every=20, target_channels=370, up_convolutions=True)

recipe = Recipe(
    model=partial(models.UNet, "mcu_width8", input_shape=(None, None, 3)),
    prune=RULE(saving="arena"),
    variants={
        "macs": {"prune": RULE(saving="macs")},
        "engine": {"prune": RULE(saving="engine")},
        "stamp": {"prune": RULE()},
        "whole": {"prune": None},
    },
    # data
    train=partial(data.isic2018, size=(64, 64)),
    evaluate={"isic2018_val": partial(data.isic2018, split="val", size=(64, 64))},
    batch=16,
    augment=("flip", "rotate90"),
    # optimization
    loss=losses.SegmentationLoss,
    optimizer=keras.optimizers.Adam,
    schedule=Cosine(start=3e-3, end=3e-5),
    steps=1_600,
    save_every=20,
    evaluate_every=400,
    # what is reported
    metrics=(metrics.Dice,),
    validate=None,
    seed=0,
    smoke={"model": partial(models.UNet, "mcu_width8", channels=2, levels=2, input_shape=(None, None, 3))},
)
