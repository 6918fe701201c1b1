"""The operators of each row's integer file, without its weights: what it takes on the engine is known before it is trained.

    python -m keras_unetmm.training.skeletons

converts every row of `keras_unetmm.training.rows`, untrained, and keeps the operators, shapes and parameters of the
files, with one value in the place of all weights. It needs TensorFlow. Run it after a change of the networks, the rows or
the conversion.
"""

import functools
import warnings
import zipfile
from pathlib import Path

import numpy as np

from keras_unetmm.tflite_file.edit import File
from keras_unetmm.training.rows import ROWS

PATH = Path(__file__).with_name("skeletons.zip")
# Stand for the channels of the image and of the prediction: the networks have no such size.
CHANNELS, CLASSES = 59, 61
SIZE = (64, 64)
_TYPES = {9: "int8", 2: "int32"}  # of constants, by the schema's numbers
_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED")


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
    return _changed(_stored(row.name), {CHANNELS: channels, CLASSES: max(classes, 2)})


def _changed(content, sizes):
    """The file with other sizes in the place of some, and one value in all constants that have one of them."""
    file = File(content)
    for graph in file.model.subgraphs:
        for tensor in graph.tensors:
            if tensor.shape is None or not set(map(int, tensor.shape)) & set(sizes):
                continue
            tensor.shape = np.array([sizes.get(int(size), int(size)) for size in tensor.shape], "int32")
            tensor.shapeSignature = None
            if tensor.quantization is not None and tensor.quantization.scale is not None:
                _scaled(tensor, len(tensor.quantization.scale))
            _filled(file.model.buffers, tensor)
    return file.packed()


def _scaled(tensor, count):
    """Gives each channel the scale of the first, where there is one a channel."""
    if count > 1:
        wanted = int(tensor.shape[tensor.quantization.quantizedDimension])
        tensor.quantization.scale = np.full(wanted, tensor.quantization.scale[0], "float32")
        tensor.quantization.zeroPoint = np.zeros(wanted, "int64")


def _filled(buffers, tensor):
    """Puts ones in the place of a constant."""
    data = buffers[tensor.buffer].data
    if data is not None and len(data) and tensor.type in _TYPES:
        buffers[tensor.buffer].data = np.frombuffer(np.ones(tensor.shape, _TYPES[tensor.type]).tobytes(), "uint8")


def _emptied(content):
    """The file with one value in the place of all weights and biases, and one scale in that of the scales of channels."""
    from keras_unetmm.tflite_file.graph import read

    weights = {i for op in read(content).main.operators if op.name in _WEIGHTED for i in op.inputs}
    file = File(content)
    for index, tensor in enumerate(file.model.subgraphs[0].tensors):
        data = file.model.buffers[tensor.buffer].data
        if index not in weights or data is None or not len(data) or len(tensor.shape) == 0:
            continue
        if tensor.quantization is None or tensor.quantization.scale is None:
            continue  # the shape that a transposed convolution makes
        _scaled(tensor, len(tensor.quantization.scale))
        _filled(file.model.buffers, tensor)
    return file.packed()


def main(path=PATH):
    """Makes the file of all skeletons."""
    from functools import partial  # what the expressions of rows name

    from keras_unetmm import models, skips
    from keras_unetmm.conversion.convert import convert

    names = {"partial": partial, "models": models, "skips": skips}
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings(action="ignore"):
        for row in {row.name: row for rows in ROWS.values() for row in rows}.values():
            model = eval(row.text(CHANNELS, CLASSES), names)()
            content = convert(model, [rng.random((*SIZE, CHANNELS), "float32")], size=SIZE, output="values")
            archive.writestr(zipfile.ZipInfo(f"{row.name}.tflite"), _emptied(content), zipfile.ZIP_DEFLATED)
            print(row.name, len(content), flush=True)


if __name__ == "__main__":
    main()
