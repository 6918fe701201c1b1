"""What a converted file says of itself: what its bytes mean, and what it was made for."""

import json
from typing import Any

import numpy as np

from keras_unetmm import __version__
from keras_unetmm.tflite_file import json_text as rules
from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.graph import TFLiteFileError, load, read
from keras_unetmm.types import FileLike

NAME = b"keras_unetmm"
_MEANING = {
    "image": "the display's bytes: 0 is black and 1 is white",
    "probabilities": "probabilities between 0 and 1",
    "values": "what the model computes, in the range that calibration measured",
    "logits": "what softmax or sigmoid would turn into probabilities, in the range that calibration measured",
    "indices": "the number of the class at each place",
}

_end = {
    "type": rules.text(),
    "shape": rules.listed(rules.whole(0, 2**31), 0, 16),
    "scale": rules.maybe(rules.number(-1e38, 1e38)),
    "zero_point": rules.maybe(rules.whole(-(2**31), 2**31)),
    "meaning": rules.text(),
}
_channels = rules.maybe(rules.listed(rules.number(-1e38, 1e38), 1))
DESCRIPTION = rules.partial(  # what is read of a description, where it is there
    version=rules.text(),
    target=rules.text(),
    input=rules.partial(**_end),
    output=rules.partial(kind=rules.one_of(*_MEANING), **_end),
    mean=_channels,
    std=_channels,
)


def with_metadata(content, description):
    """Returns a .tflite file with a description, a dict that JSON can hold, in place of the one it has."""
    file = File(content)
    file.set_metadata(NAME, np.frombuffer(json.dumps(description).encode(), "uint8"))
    return file.packed()


def description(graph, target, output, mean, std):
    """Returns the description of a converted file.

    Args:
        graph: the file's, a `keras_unetmm.tflite_file.graph.Graph`.
        target, mean, std: as for `keras_unetmm.tflite.convert`.
        output: what the output is, as for `convert`, but not `"auto"`.
    """
    taken = _described(graph.tensors[graph.inputs[0]], "the camera's bytes: 0 is black and 1 is white")
    given = _described(graph.tensors[graph.outputs[0]], _MEANING[output])
    return {
        "version": __version__,
        "target": target,
        "input": taken,
        "output": {"kind": output, **given},
        "mean": _listed(mean),
        "std": _listed(std),
    }


def _described(tensor, meaning):
    scale, zero_point = (tensor.scales[0], tensor.zero_points[0]) if tensor.scales else (None, None)
    described = {"type": tensor.type.lower(), "shape": list(tensor.shape), "scale": scale, "zero_point": zero_point}
    return {**described, "meaning": meaning}


def _listed(values):
    return None if values is None else np.ravel(values).astype(float).tolist()


def metadata(file: FileLike) -> Any:
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
                said = rules.parsed(bytes(bytearray(data if data is not None else b"")))
                DESCRIPTION(said, "")
                return said
            except ValueError as error:
                raise TFLiteFileError(f"file has a description that is damaged: {error}. Convert it again.") from error
    return None
