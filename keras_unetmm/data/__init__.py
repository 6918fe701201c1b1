# SPDX-License-Identifier: Apache-2.0
"""Data sets, what reads and degrades them, and batches of them for every backend."""

import importlib

from keras_unetmm.data.classification import imagenet, tfds
from keras_unetmm.data.dataset import DataSet, joined
from keras_unetmm.data.degradations import (
    as_bytes,
    bicubic_loss,
    gaussian_noise,
    in_order,
    jpeg,
    motion_blur,
    poisson_noise,
)
from keras_unetmm.data.images import DamagedFileError, image_paths, read_crops, read_image
from keras_unetmm.data.layout import MissingDataError, reader
from keras_unetmm.data.lesions import isic2017, isic2018
from keras_unetmm.data.mattes import alphamatting, p3m10k, rwp636
from keras_unetmm.data.membranes import isbi2012
from keras_unetmm.data.own_pairs import pairs
from keras_unetmm.data.own_photographs import photographs
from keras_unetmm.data.own_volumes import volumes
from keras_unetmm.data.pair_transforms import blur, brightness_contrast, crop_and_resize, elastic, noise, random_scale
from keras_unetmm.data.photograph_sets import (
    b100,
    bsds500,
    cbsd68,
    df2k,
    div2k,
    flickr2k,
    kodak24,
    manga109,
    set5,
    set12,
    set14,
    urban100,
)
from keras_unetmm.data.restoration_pairs import gopro, gopro_samples, levin09, polyu, sidd, sidd_validation
from keras_unetmm.data.scenes import camvid, cityscapes, coco, voc2012
from keras_unetmm.data.volume_sets import ct_organ, ct_trachea, harp, hippocampus, liver, nifti, prostate
from keras_unetmm.data.windows import cropped

__all__ = [
    "Batches",
    "DamagedFileError",
    "DataSet",
    "MissingDataError",
    "alphamatting",
    "as_bytes",
    "b100",
    "bicubic_loss",
    "blur",
    "brightness_contrast",
    "bsds500",
    "camvid",
    "cbsd68",
    "cityscapes",
    "coco",
    "crop_and_resize",
    "cropped",
    "ct_organ",
    "ct_trachea",
    "df2k",
    "div2k",
    "elastic",
    "flickr2k",
    "gaussian_noise",
    "gopro",
    "gopro_samples",
    "harp",
    "hippocampus",
    "image_paths",
    "imagenet",
    "in_order",
    "isbi2012",
    "isic2017",
    "isic2018",
    "joined",
    "jpeg",
    "kodak24",
    "levin09",
    "liver",
    "manga109",
    "motion_blur",
    "nifti",
    "noise",
    "p3m10k",
    "pairs",
    "photographs",
    "poisson_noise",
    "polyu",
    "prostate",
    "random_scale",
    "read_crops",
    "read_image",
    "reader",
    "rwp636",
    "set5",
    "set12",
    "set14",
    "sidd",
    "sidd_validation",
    "tfds",
    "urban100",
    "voc2012",
    "volumes",
]


def __getattr__(name):
    if name == "Batches":  # the only part that needs keras
        return importlib.import_module("keras_unetmm.data.batches").Batches
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
