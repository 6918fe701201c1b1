"""The operators of each row's integer file, without its weights: what it takes on the engine is known before it is trained.

`keras_unetmm.training.make_skeletons` makes them.
"""

import functools
import json
import zipfile
from pathlib import Path

import numpy as np

from keras_unetmm.tflite_file.edit import File

PATH = Path(__file__).with_name("skeletons.zip")
# Stand for the channels of the image and of the prediction: the networks have no such size.
CHANNELS, CLASSES = 59, 61
SIZE = (64, 64)
_TYPES = {9: "int8", 2: "int32"}  # of constants, by the schema's numbers


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
            tensor.shape = np.array([sizes.get(int(size), int(size)) for size in tensor.shape], "int32")
            tensor.shapeSignature = None
            if tensor.quantization is not None and tensor.quantization.scale is not None:
                scaled(tensor, len(tensor.quantization.scale))
            filled(file.model.buffers, tensor)
    return file.packed()


def scaled(tensor, count):
    """Gives each channel the scale of the first, where there is one a channel."""
    if count > 1:
        wanted = int(tensor.shape[tensor.quantization.quantizedDimension])
        tensor.quantization.scale = np.full(wanted, tensor.quantization.scale[0], "float32")
        tensor.quantization.zeroPoint = np.zeros(wanted, "int64")


def filled(buffers, tensor):
    """Puts ones in the place of a constant."""
    data = buffers[tensor.buffer].data
    if data is not None and len(data) and tensor.type in _TYPES:
        buffers[tensor.buffer].data = np.frombuffer(np.ones(tensor.shape, _TYPES[tensor.type]).tobytes(), "uint8")
