"""From a trained model to bytes on a device: convert, check, plan, tile, run."""

from keras_unetmm.tflite.convert import convert
from keras_unetmm.tflite.metadata import metadata
from keras_unetmm.tflite.planner import plan
from keras_unetmm.tflite.runtime import run
from keras_unetmm.tflite.targets import check
from keras_unetmm.tflite.tile import tile
from keras_unetmm.tflite.tiling.run import run_tiled

__all__ = ["check", "convert", "metadata", "plan", "run", "run_tiled", "tile"]
