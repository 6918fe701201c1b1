# SPDX-License-Identifier: Apache-2.0
"""The operators of each row's integer file, without its weights: what it takes on the engine is known before it is trained.

`keras_unetmm.training.make_skeletons` makes them.
"""

import functools
import json
import zipfile
from pathlib import Path

from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.sizes import reshaped

PATH = Path(__file__).with_name("skeletons.zip")
# Stand for the channels of the image and of the prediction: the networks have no such size.
CHANNELS, CLASSES = 59, 61
SIZE = (64, 64)


@functools.cache
def _stored(name):
    with zipfile.ZipFile(PATH) as archive:
        return archive.read(f"{name}.tflite")


def skeleton(row, channels, classes):
    """Returns the bytes of a .tflite file with the operators of a row, for images of 64x64 pixels; its weights say nothing.

    Args:
        row: `keras_unetmm.training.rows.Row`.
        channels: int, of the image.
        classes: int, labels of the prediction.
    """
    return changed(_stored(row.name), {CHANNELS: channels, CLASSES: max(classes, 2)})


@functools.cache
def _cuts():
    with zipfile.ZipFile(PATH) as archive:
        return json.loads(archive.read("cuts.json"))


def cuts_of(row):
    """Returns a list of cuts, places in the order of the engine's operators, for a row.

    They are the best that the engine's search found for one width and some sizes of image: a schedule for others tries them.
    """
    kind, _, skips = row.name.split("-", 2)
    return _cuts().get(f"{kind}-{skips}", [])


def changed(content, sizes):
    """The file with other sizes in the place of some, and one value in all constants that have one of them."""
    file = File(content)
    for graph in file.model.subgraphs:
        for tensor in graph.tensors:
            if tensor.shape is None or not set(map(int, tensor.shape)) & set(sizes):
                continue
            reshaped(file, tensor, [sizes.get(int(size), int(size)) for size in tensor.shape])
    return file.packed()
