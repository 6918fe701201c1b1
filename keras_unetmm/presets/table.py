# SPDX-License-Identifier: Apache-2.0
"""What each preset is: its network, the recipe that trains it, and the file that a user flashes."""

from dataclasses import dataclass
from functools import partial

from keras_unetmm import models, skips
from keras_unetmm.types import JsonObject


@dataclass(frozen=True)
class Preset:
    """One row of the table.

    Attributes:
        network: function that returns a `keras.Model` without trained weights.
        recipe: str, the file in `recipes/` that trains it.
        variant: str, of the recipe, or None.
        size: tuple of int, `(height, width)` or `(depth, height, width)` of the .tflite file.
        task: str, what it is for.
        data: str, what it was trained on.
        terms: str, what the data's owners ask for.
        normal: `(mean, std)` of the file's input, in [0, 1], where the data's values are not of a camera: a value v
            of theirs goes in as `std * v + mean`. None where they are.
        remark: str, of what falls short and why, or None.
        tiled: dict of the arguments of `keras_unetmm.tflite.tile` for a program that runs tile by tile, or None.
    """

    network: partial
    recipe: str
    variant: str | None
    size: tuple
    task: str
    data: str
    terms: str
    normal: tuple | None = None
    remark: str | None = None
    tiled: dict | None = None


_LESIONS: JsonObject = {
    "size": (128, 128),
    "task": "the outline of a skin lesion in a photograph, as a probability at each pixel",
    "data": "ISIC 2018, task 1: 800 photographs at 128x128; tested on up to 200 others",
    "terms": "ISIC challenge 2018 with HAM10000, believed CC BY-NC 4.0: not for commercial use; cite arXiv 1902.03368 and "
    "Tschandl et al. 2018",
}


def _lesions(skips):
    return partial(
        models.UNet,
        "ronneberger2015",
        input_shape=(None, None, 3),
        channels=16,
        order="conv-norm-relu",
        classes=1,
        skips=skips,
    )


_TILED: JsonObject = {"size": (256, 256), "ram": 400_000}
_DENOISING: JsonObject = {
    "recipe": "denoise_bsd_nafnet.py",
    "size": (128, 128),
    "task": "a photograph without its noise, of standard deviation 25 of 255, independent in every value",
    "data": "BSDS500, train and test without 302003 and 12003: 398 photographs; tested on CBSD68 and Kodak24",
    "terms": "BSDS500: for non-commercial research and education, cite Arbelaez et al. 2011",
}
_HIPPOCAMPUS: JsonObject = {
    "recipe": "hippocampus_lunet.py",
    "size": (48, 64, 48),
    "task": "the anterior and the posterior hippocampus in a window of an MRI volume, normalised, as probabilities",
    "data": "Task04 of the Medical Segmentation Decathlon, four fifths of the volumes; tested on every fifth",
    "terms": "CC-BY-SA 4.0; cite arXiv 1902.09063",
    "normal": (0.5, 0.125),  # bytes from -4 to 4 standard deviations
}
_SCENES: JsonObject = {
    "size": (180, 240),
    "task": "11 classes of a street scene, as probabilities",
    "data": "CamVid, 367 frames at 240x180; weights chosen on val, tested on val and test",
    "terms": "no licence found, for research: not for commercial use; cite Brostow et al. 2008",
}


def _denoising(skips, row="mcu_width16", **depths):
    return partial(models.NAFNet, row, skips=skips, **depths)


PRESETS = {
    "denoise-unet-minus": Preset(
        _denoising(skips.UNetMinusMinus((8, 8, 8, 4), level=1), encoder_depths=(0, 1, 1, 1), decoder_depths=(1, 1, 1, 2)),
        variant=None,
        **_DENOISING,
    ),
    "denoise-published": Preset(_denoising("unet--"), variant="published", **_DENOISING),
    "denoise-full": Preset(_denoising("full"), variant="full", **_DENOISING),
    "denoise-none": Preset(_denoising("none"), variant="none", **_DENOISING),
    "denoise": Preset(
        _denoising("unet--", "mcu_width16_tiled"),
        variant="large",
        **(_DENOISING | {"size": (256, 256), "task": f"{_DENOISING['task']}, as bytes have it"}),
    ),
    "denoise-tiled": Preset(_denoising("unet--", "mcu_width16_tiled"), variant="tiled", tiled=_TILED, **_DENOISING),
    "lesions-sat": Preset(_lesions("sat"), "lesions_isic2018_unet.py", None, **_LESIONS),
    "lesions-full": Preset(_lesions("full"), "lesions_isic2018_unet.py", "full", **_LESIONS),
    "hippocampus-lunet": Preset(partial(models.LUnet, "harp_width8", classes=3), variant=None, **_HIPPOCAMPUS),
    "hippocampus-unet": Preset(
        partial(models.UNet, "harp_width4", classes=3),
        variant="unet",
        **_HIPPOCAMPUS,
    ),
    "scenes-sunet": Preset(
        partial(models.SUNetSegmentation, "mcu_filters16", output_stride=16, classes=11),
        "scenes_camvid_sunet.py",
        None,
        **_SCENES,
    ),
}
"""By name. A preset is there for users once its weights and its card lie beside this file."""
