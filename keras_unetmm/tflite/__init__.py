# SPDX-License-Identifier: Apache-2.0
"""From a trained model to bytes on a device: convert, check, plan, tile, run, firmware."""

from keras_unetmm.conversion.convert import convert, convert_with_report
from keras_unetmm.planner.planner import plan
from keras_unetmm.runtime.engine import run
from keras_unetmm.runtime.tiled import run_tiled
from keras_unetmm.targets.targets import check
from keras_unetmm.tflite.source import firmware
from keras_unetmm.tflite_file.metadata import metadata
from keras_unetmm.tiling.tile import tile

__all__ = ["check", "convert", "convert_with_report", "firmware", "metadata", "plan", "run", "run_tiled", "tile"]
