"""What a converted file says of itself: what its bytes mean, and what it was made for."""

import json

import numpy as np

from keras_unetmm.tflite.edit import File
from keras_unetmm.tflite.graph import TFLiteFileError, load, read

NAME = b"keras_unetmm"


def with_metadata(content, description):
    """Returns a .tflite file with a description, a dict that JSON can hold, in place of the one it has."""
    file = File(content)
    file.set_metadata(NAME, np.frombuffer(json.dumps(description).encode(), "uint8"))
    return file.packed()


def metadata(file):
    """Returns the description that `keras_unetmm.tflite.convert` wrote into a .tflite file, or None.

    Keys: `version` of keras_unetmm; `target`; `input` and `output`, each with `type`, `shape`, `scale`, `zero_point` and
    `meaning`; `mean` and `std`, None where the file normalises nothing that the model did not.

    Args:
        file: path or bytes.

    Raises:
        TFLiteFileError: if the file is damaged.
    """
    content = load(file)
    read(content)  # which refuses a damaged file
    model = File(content).model
    for entry in model.metadata or []:
        if entry.name == NAME:
            data = model.buffers[entry.buffer].data
            try:
                return json.loads(bytes(bytearray(data if data is not None else b"")))
            except ValueError as error:
                raise TFLiteFileError(f"file has a description that is damaged: {error}. Convert it again.") from error
    return None
