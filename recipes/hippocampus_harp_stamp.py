# SPDX-License-Identifier: Apache-2.0
"""Hippocampus in MRI: a U-Net that loses one channel after every five epochs, by STAMP's rule or simpler ones.

Data      HarP, 64x64x64 voxels around each hippocampus, arranged by the user: 200 to train on and 70 to test
Paper     STAMP (Dinsdale et al., Medical Image Analysis 2022) as Lean U-Net (arXiv 2512.03834), Table I, has it: U-Net of 5
          levels and n = 4, Adam, 0.01, batch 16, one channel after 5 recovery epochs, base probability of dropout 5 %, until
          the network collapses. An epoch has 12 whole batches, as in STAMP's code, which also leaves augmentation out and
          trains Dice. It makes a new optimizer after each removal and ends early; here Adam's moments go on, to the end.
          It spares the convolution before the head, too; here that loses channels as the others do
Expect    no score: those of Tables II and III are not in the text that we have. Dice peaks somewhere (at 199K parameters in
          Table II), and ends at 0. Variants
          layer         figure 4b: any channel of the layer that STAMP chose, which keeps its architecture
          widest        figure 6: any channel of the widest block, without data
          few           STAMP on the other split: 50 to train on, 220 to test, figure 7
          width8        figure 4b has n = 8 and one recovery epoch: STAMP
          width8_layer  and its rival
          Each keeps kept_75.keras, kept_50.keras and kept_25.keras, which are trained anew by --architecture-from
Takes     eleven hours on 2 CPU cores, estimated at 40 GFLOP/s; not run here
Run       unetmm train recipes/hippocampus_harp_stamp.py --data DATA --out runs/hippocampus_harp_stamp
          unetmm train recipes/hippocampus_harp_stamp.py --data DATA --out runs/hippocampus_harp_anew_50
              --architecture-from runs/hippocampus_harp_stamp/kept_50.keras
          unetmm pruning runs/hippocampus_harp_* --out pictures
"""

from functools import partial

import keras

from keras_unetmm import data, losses, metrics, models
from keras_unetmm.pruning import Pruning
from keras_unetmm.training import Recipe

LAYERS = 18  # each keeps a channel at least


def split(count):
    """So many of the volumes to train on, all others to test."""
    return {
        "train": partial(data.harp, count=count),
        "evaluate": {"harp_test": partial(data.harp, split="test", count=count)},
    }


def rule(every, channels, evaluations=10, **changes):
    """A removal after so many steps, of all channels but the last of each layer; an evaluation after so many removals."""
    prune = Pruning(start=every, every=every, target_channels=LAYERS, keep=(0.75, 0.5, 0.25), **changes)
    steps = every * (channels - LAYERS + 1)
    return {"prune": prune, "steps": steps, "save_every": every, "evaluate_every": evaluations * every}


def wide(**changes):
    """The network of figure 4b."""
    return {"model": partial(models.UNet, "harp_width4", channels=8, classes=1), **rule(12, 736, **changes)}


recipe = Recipe(
    model=partial(models.UNet, "harp_width4", classes=1),
    **rule(5 * 12, 368),
    variants={
        "layer": rule(5 * 12, 368, choice="layer"),
        "widest": rule(5 * 12, 368, choice="widest"),
        "few": {**split(50), **rule(5 * 3, 368)},
        "width8": wide(),
        "width8_layer": wide(choice="layer"),
    },
    smoke={
        "model": partial(models.UNet, "harp_width4", levels=2, convolutions=1, classes=1),
        "patch": (16, 16, 16),
        "evaluate_patch": (16, 16, 16),
        **split(4),
    },
    # data
    **split(200),
    evaluate_patch=(64, 64, 64),
    patch=(64, 64, 64),
    batch=16,
    device_values=(0.5, 0.125),  # of volumes with mean 0 and deviation 1
    # optimization
    loss=losses.DiceLoss,
    optimizer=partial(keras.optimizers.Adam, learning_rate=0.01),
    # what is reported
    metrics=(metrics.Dice,),
    validate=None,
    seed=0,
)
