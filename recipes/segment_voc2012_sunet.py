"""Objects of PASCAL VOC: stacked U-Nets that keep their resolution by dilation.

Data      VOC 2012, the 10,582 photographs of trainaug; evaluated on the 1,449 of val, whole
Paper     SUNet (arXiv 1804.10343), section 4: SGD with momentum 0.95, 2e-4 falling as a cosine over 45K iterations, batch
          22, crops of 512, scale 0.5 to 2, flip, rotation by 10 degrees. Its weight decay, 1e-4, goes through the
          momentum; here 2e-3 beside it, which comes to the same. Here windows are scaled and turned, their border mirrored
Expect    variant                    mIoU, one scale
          (none, sunet64)            72.85
          sunet128                   77.16
          sunet7128                  78.95
          sunet7128_coco             83.27 with four scales and flip, see models.predict_multi_scale; without COCO 80.40
          sunet7128_stride8          78.64 if, as its size suggests, the paper's Table 4 is about this network
          sunet7128_stride8_strided  65.99, strides inside the modules instead of rates, likewise
          sunet64_stride8, sunet64_stride32, sunet7128_stride32 are not in our notes of the paper
Takes     two hours (sunet64) to thirty (sunet7128_stride8) on one H100, estimated at 10 TFLOP/s; not run here
Run       unetmm train recipes/segment_voc2012_sunet.py --data DATA --out runs/voc2012_sunet64
          unetmm train recipes/segment_voc2012_sunet.py --data DATA --out runs/voc2012_sunet7128 --variant sunet7128
          after classify_imagenet_sunet.py, and for sunet7128_coco after segment_coco_sunet.py
"""

from functools import partial

import keras

from keras_unetmm import data, losses, metrics, models
from keras_unetmm.training import Cosine, Recipe


def network(row, before="imagenet", **arguments):
    """A network that starts from the weights of another run, and a small one for --smoke."""
    small = partial(models.SUNetSegmentation, "mcu_filters16", modules=(1, 1, 1, 1), **arguments)
    return {
        "model": partial(models.SUNetSegmentation, row, weights=f"runs/{before}_{row}/best.keras", **arguments),
        "smoke": {"model": small},
    }


recipe = Recipe(
    **network("sunet64", output_stride=16),
    variants={
        "sunet128": network("sunet128", output_stride=16),
        "sunet7128": network("sunet7128", output_stride=16),
        "sunet7128_coco": network("sunet7128", before="coco", output_stride=16),
        "sunet64_stride8": network("sunet64", output_stride=8, degridding=True),
        "sunet64_stride32": network("sunet64", output_stride=32),
        "sunet7128_stride8": network("sunet7128", output_stride=8, degridding=True),
        "sunet7128_stride8_strided": network("sunet7128", output_stride=8, multigrid=False),
        "sunet7128_stride32": network("sunet7128", output_stride=32),
    },
    # data
    train=partial(data.voc2012, split="trainaug"),
    evaluate={"voc2012_val": partial(data.voc2012, split="val")},
    patch=512,
    batch=22,
    augment=(
        "flip",
        partial(keras.layers.RandomZoom, (-0.5, 1.0)),  # Keras counts sizes of the window: 0.5 to 2 of what is seen
        partial(keras.layers.RandomRotation, 10 / 360),
    ),
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
