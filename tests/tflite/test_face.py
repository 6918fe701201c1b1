"""The public face: what the pages call, by the name that they call it by."""

import subprocess
import sys


def test_what_the_readme_calls_is_there():
    code = (
        "import keras_unetmm; "
        "from keras_unetmm.tflite import check, convert, metadata, plan, run, run_tiled, tile; "
        "from keras_unetmm.tflite.differences import differences; "
        "from keras_unetmm.tflite.lowering import lower, lowered; "
        "from keras_unetmm.quantize import quantize_aware; "
        "assert keras_unetmm.quantize.quantize_aware is quantize_aware; "
        "named = check, convert, metadata, plan, run, run_tiled, tile, differences, lower, lowered; "
        "assert all(map(callable, named))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
