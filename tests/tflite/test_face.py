"""The public face: what the README calls, by the name that it calls it by."""

import subprocess
import sys

import pytest

NAMES = (
    *("check", "convert", "metadata", "plan", "run", "run_tiled", "tile"),
    *("differences:differences", "lowering:lower", "lowering:lowered"),
)


@pytest.mark.parametrize("name", NAMES)
def test_what_the_readme_calls_is_there(name):
    module, _, attribute = name.rpartition(":")
    where = f"keras_unetmm.tflite.{module}" if module else "keras_unetmm.tflite"
    code = f"from {where} import {attribute}; assert callable({attribute})"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_quantisation_by_its_old_name():
    code = "import keras_unetmm; from keras_unetmm.quantize import quantize_aware as q; "
    subprocess.run([sys.executable, "-c", f"{code} assert keras_unetmm.quantize.quantize_aware is q"], check=True)
