"""Networks, one a file: functions that return a functional `keras.Model`."""

from keras_unetmm.models.nafnet import NAFNet, NAFNetUNetMinus
from keras_unetmm.models.pytorch_weights import load_pytorch

__all__ = ["NAFNet", "NAFNetUNetMinus", "load_pytorch"]
