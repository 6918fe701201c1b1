"""Networks, one a file: functions that return a functional `keras.Model`."""

from keras_unetmm.models.nafnet import NAFNet, NAFNetUNetMinus

__all__ = ["NAFNet", "NAFNetUNetMinus"]
