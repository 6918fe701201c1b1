# SPDX-License-Identifier: Apache-2.0
"""Image networks of the U-Net family that fit on a microcontroller."""

import importlib

from keras_unetmm.registered import register_with_keras

__version__ = "0.1.0"

_ROOMS = (
    *("analysis", "data", "layers", "losses", "metrics", "models", "presets", "pruning", "quantize", "skips", "tflite"),
    "training",
)


register_with_keras()


def __getattr__(name):
    """Loads a sub-package when it is first used: reading a .tflite file must not import a training backend."""
    if name in _ROOMS:
        return importlib.import_module(f"{__name__}.{name}")
    if name == "from_preset":
        return importlib.import_module(f"{__name__}.presets").from_preset
    if name == "predict":
        return importlib.import_module(f"{__name__}.prediction").predict
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted((*globals(), *_ROOMS, "from_preset", "predict"))
