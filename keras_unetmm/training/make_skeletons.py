# SPDX-License-Identifier: Apache-2.0
"""Makes the file of `keras_unetmm.training.skeletons`.

    python -m keras_unetmm.training.make_skeletons

converts every row of `keras_unetmm.training.rows`, untrained, and keeps the operators, shapes and parameters of the files,
with one value in the place of all weights; and the cuts by which the engine takes least memory. It needs TensorFlow. Run it
after a change of the networks, the rows, the conversion or the engine's search.
"""

import json
import warnings
import zipfile
from functools import partial

import keras
import numpy as np

from keras_unetmm import models, skips
from keras_unetmm.atomic_write import atomic_write
from keras_unetmm.conversion.convert import convert
from keras_unetmm.planner.planner import plan
from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.graph import read
from keras_unetmm.tflite_file.sizes import filled, scaled
from keras_unetmm.training.fit import best_cuts
from keras_unetmm.training.rows import ROWS
from keras_unetmm.training.skeletons import CHANNELS, CLASSES, PATH, SIZE, changed

WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED")
SEARCHED = 16  # width of the rows for which cuts are looked for
SIZES = (64, 128)  # of images, for which cuts are looked for


def main(path=PATH):
    """Makes the file of all skeletons."""
    names = {"partial": partial, "models": models, "skips": skips}  # what the expressions of rows name
    rng, cuts = np.random.default_rng(0), {}
    keras.utils.set_random_seed(0)
    with (
        atomic_write(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive,
        warnings.catch_warnings(action="ignore"),
    ):
        for row in {row.name: row for rows in ROWS.values() for row in rows}.values():
            model = eval(row.text(CHANNELS, CLASSES), names)()
            content = emptied(convert(model, [rng.random((*SIZE, CHANNELS), "float32")], size=SIZE, output_kind="values"))
            planned = plan(content, "reference").planned  # the order in which the engine runs it
            content = content if planned is None else planned.content
            archive.writestr(zipfile.ZipInfo(f"{row.name}.tflite"), content, zipfile.ZIP_DEFLATED)
            if f"width{SEARCHED}-" in row.name:  # rows of other widths have the same operators
                family = row.name.split("-")[0], row.name.split("-", 2)[2]
                made = changed(content, {CHANNELS: 3, CLASSES: 2})
                cuts["-".join(family)] = [best_cuts(made, (side, side)) for side in SIZES]
            print(row.name, flush=True)
        archive.writestr(zipfile.ZipInfo("cuts.json"), json.dumps(cuts), zipfile.ZIP_DEFLATED)


def emptied(content):
    """The file with one value in the place of all weights and biases, and one scale in that of the scales of channels."""
    weights = {i for op in read(content).main.operators if op.name in WEIGHTED for i in op.inputs}
    file = File(content)
    for index, tensor in enumerate(file.model.subgraphs[0].tensors):
        data = file.model.buffers[tensor.buffer].data
        if index not in weights or data is None or not len(data) or len(tensor.shape) == 0:
            continue
        if tensor.quantization is None or tensor.quantization.scale is None:
            continue  # the shape that a transposed convolution makes
        scaled(tensor, len(tensor.quantization.scale))
        filled(file.model.buffers, tensor)
    return file.packed()


if __name__ == "__main__":
    main()
