# SPDX-License-Identifier: Apache-2.0
"""Networks, one a file: functions that return a functional `keras.Model`."""

from keras_unetmm.models.di2in import DI2IN
from keras_unetmm.models.kbnet import KBNet, KBNetUNetMinus
from keras_unetmm.models.local_means import local_means
from keras_unetmm.models.lunet import LUnet
from keras_unetmm.models.mscan import MSCAN
from keras_unetmm.models.mscan_matting import MSCANMatting, MSCANMattingUNetMinus
from keras_unetmm.models.multi_scale import predict_multi_scale
from keras_unetmm.models.nafnet import NAFNet, NAFNetUNetMinus
from keras_unetmm.models.published import from_pytorch
from keras_unetmm.models.pytorch_file import read_pytorch
from keras_unetmm.models.pytorch_weights import load_pytorch
from keras_unetmm.models.sunet import SUNet, SUNet64, SUNet128, SUNet7128
from keras_unetmm.models.sunet_segmentation import SUNetSegmentation
from keras_unetmm.models.sunet_weights import load_classifier, load_pytorch_sunet
from keras_unetmm.models.tiramisu import Tiramisu
from keras_unetmm.models.unet import UNet
from keras_unetmm.models.unet_on import unet_on
from keras_unetmm.models.vnet import VNet

__all__ = [
    "DI2IN",
    "MSCAN",
    "KBNet",
    "KBNetUNetMinus",
    "LUnet",
    "MSCANMatting",
    "MSCANMattingUNetMinus",
    "NAFNet",
    "NAFNetUNetMinus",
    "SUNet",
    "SUNet64",
    "SUNet128",
    "SUNet7128",
    "SUNetSegmentation",
    "Tiramisu",
    "UNet",
    "VNet",
    "from_pytorch",
    "load_classifier",
    "load_pytorch",
    "load_pytorch_sunet",
    "local_means",
    "predict_multi_scale",
    "read_pytorch",
    "unet_on",
]
