"""From a trained model to bytes on a device: convert, plan, run."""

from keras_unetmm.tflite.convert import convert
from keras_unetmm.tflite.planner import plan
from keras_unetmm.tflite.runtime import run

__all__ = ["convert", "plan", "run"]
