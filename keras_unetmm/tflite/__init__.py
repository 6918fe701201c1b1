"""From a trained model to bytes on a device: convert, check, plan, run."""

from keras_unetmm.tflite.convert import convert
from keras_unetmm.tflite.metadata import metadata
from keras_unetmm.tflite.planner import plan
from keras_unetmm.tflite.runtime import run
from keras_unetmm.tflite.targets import check

__all__ = ["check", "convert", "metadata", "plan", "run"]
