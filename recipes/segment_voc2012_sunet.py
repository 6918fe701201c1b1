# SPDX-License-Identifier: Apache-2.0
"""Objects of PASCAL VOC: stacked U-Nets that keep their resolution by dilation.

Data      VOC 2012, the 10,582 photographs of trainaug; evaluated on the 1,449 of val, whole
Paper     SUNet (arXiv 1804.10343), section 7.2: SGD with momentum 0.95, 2e-4 falling as a cosine over 45K iterations, batch
          22, 12 at output stride 8; scale uniform in 0.5 to 2, then crops of 512, flip, rotation by 10 degrees. Its weight
          decay, 1e-4, goes through the momentum; here 2e-3 beside it, which comes to the same. Turned windows have a
          mirrored border here. The authors' code, not the paper, trains the layers behind the features, head and
          de-gridding filters, at ten times the rate, and biases of their convolutions at twenty times; here all have one
Expect    variant                       mIoU, one scale  Tables
          (none, sunet64)               72.85            3
          sunet128                      77.16            3
          sunet7128                     78.95            3, 4, 5; four scales 80.22, with flip 80.40
          sunet7128_degridding          78.10            5
          sunet7128_strided             78.25            4: strides inside the modules instead of rates
          sunet7128_stride8             78.64            4, 5; four scales 80.37, with flip 80.50
          sunet7128_stride8_degridding  78.88            5
          sunet7128_stride8_strided     65.99            4
          sunet7128_stride32            76.03            5; four scales 77.58, with flip 77.57
          sunet7128_coco                83.27            section 7.3; at how many scales it doesn't say. 5K iterations, 2e-5
          sunet7128_trainval            84.3 on test, by VOC's server (Table 6). Batch norm frozen, 2e-5; how long the paper
                                        doesn't say, here 5K iterations. Val is trained on: its figure says nothing
          Several scales: unetmm evaluate RUN --data DATA --scales 0.5,0.75,1,1.25 --flip
Takes     two hours (sunet64) to thirty (sunet7128_stride8) on one H100, estimated at 10 TFLOP/s; not run here
Run       unetmm train recipes/segment_voc2012_sunet.py --data DATA --out runs/voc2012_sunet64 --from runs/imagenet_sunet64
          unetmm train recipes/segment_voc2012_sunet.py --data DATA --out runs/voc2012_sunet7128 --variant sunet7128
              --from runs/imagenet_sunet7128
          and from COCO: --variant sunet7128_coco --from runs/coco_sunet7128 (segment_coco_sunet.py), out of which
          --variant sunet7128_trainval --from the run of sunet7128_coco
"""

from functools import partial

import keras

from keras_unetmm import data, losses, metrics, models
from keras_unetmm.training import Cosine, Recipe

TENTH = {"schedule": Cosine(start=2e-5), "steps": 5_000}


def network(row, output_stride=16, **arguments):
    """A network of a row, and a small one for --smoke."""
    arguments |= {"output_stride": output_stride}
    return {
        "model": partial(models.SUNetSegmentation, row, **arguments),
        "smoke": {"model": partial(models.SUNetSegmentation, "mcu_filters16", modules=(1, 1, 1, 1), **arguments)},
        "batch": 12 if output_stride == 8 else 22,
    }


recipe = Recipe(
    **network("sunet64"),
    start="a run of classify_imagenet_sunet.py with the same network",
    variants={
        "sunet128": network("sunet128"),
        "sunet7128": network("sunet7128"),
        "sunet7128_degridding": network("sunet7128", degridding=True),
        "sunet7128_strided": network("sunet7128", multigrid=False),
        "sunet7128_stride8": network("sunet7128", 8),
        "sunet7128_stride8_degridding": network("sunet7128", 8, degridding=True),
        "sunet7128_stride8_strided": network("sunet7128", 8, multigrid=False),
        "sunet7128_stride32": network("sunet7128", 32),
        "sunet7128_coco": {**network("sunet7128"), **TENTH, "start": "a run of segment_coco_sunet.py, variant sunet7128"},
        "sunet7128_trainval": {
            **network("sunet7128"),
            **TENTH,
            "start": "a run of this recipe, variant sunet7128_coco",
            "freeze_batch_norm": True,
            "train": partial(data.voc2012, split="trainval"),
        },
    },
    # data
    train=partial(data.voc2012, split="trainaug"),
    evaluate={"voc2012_val": partial(data.voc2012, split="val")},
    patch=512,
    augment=(partial(data.random_scale, scale=(0.5, 2.0)), "flip", partial(keras.layers.RandomRotation, 10 / 360)),
    normalize=((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    # optimization
    loss=partial(losses.CrossEntropy, classes=21, ignore=255),
    optimizer=partial(keras.optimizers.SGD, momentum=0.95, weight_decay=2e-3),
    schedule=Cosine(start=2e-4),
    steps=45_000,
    # what is reported
    metrics=(partial(metrics.MeanIoU, classes=21, ignore=255),),
    validate=200,
    seed=0,
)
