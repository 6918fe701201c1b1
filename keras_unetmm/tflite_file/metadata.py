# SPDX-License-Identifier: Apache-2.0
"""What a converted file says of itself: what its bytes mean, and what it was made for."""

import json

import numpy as np

from keras_unetmm import __version__
from keras_unetmm.tflite_file import json_text as rules
from keras_unetmm.tflite_file.edit import File
from keras_unetmm.tflite_file.graph import TFLiteFileError, load, read
from keras_unetmm.types import FileLike, JsonObject

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
_output = rules.partial(kind=rules.one_of(*_MEANING), **_end)
_channels = rules.maybe(rules.listed(rules.number(-1e38, 1e38), 1))
DESCRIPTION = rules.partial(  # what is read of a description, where it is there
    version=rules.text(),
    target=rules.text(),
    input=rules.partial(**_end),
    output=_output,
    inputs=rules.listed(rules.partial(**_end), 1, 1024),
    outputs=rules.listed(_output, 1, 1024),
    mean=_channels,
    std=_channels,
)


def with_metadata(content, description):
    """Returns a .tflite file with a description, a dict that JSON can hold, in place of the one it has."""
    file = File(content)
    file.set_metadata(NAME, np.frombuffer(json.dumps(description).encode(), "uint8"))
    return file.packed()


def description(graph, target, outputs, mean, std):
    """Returns the description of a converted file.

    Args:
        graph: the file's, a `keras_unetmm.tflite_file.graph.Graph`.
        target, mean, std: as for `keras_unetmm.tflite.convert`.
        outputs: list of what the outputs are, as for `convert`, but not `"auto"`.
    """
    camera = "the camera's bytes: 0 is black and 1 is white"
    taken = [_described(graph.tensors[number], camera) for number in graph.inputs]
    pairs = zip(outputs, graph.outputs, strict=True)
    given = [{"kind": kind, **_described(graph.tensors[number], _MEANING[kind])} for kind, number in pairs]
    several = {"inputs": taken} if len(taken) > 1 else {}
    several |= {"outputs": given} if len(given) > 1 else {}
    said = {"version": __version__, "target": target, "input": taken[0], "output": given[0]}
    return {**said, "mean": _listed(mean), "std": _listed(std), **several}


def _described(tensor, meaning):
    scale, zero_point = (tensor.scales[0], tensor.zero_points[0]) if tensor.scales else (None, None)
    described = {"type": tensor.type.lower(), "shape": list(tensor.shape), "scale": scale, "zero_point": zero_point}
    return {**described, "meaning": meaning}


def _listed(values):
    return None if values is None else np.ravel(values).astype(float).tolist()


def metadata(file: FileLike) -> JsonObject | None:
    """Returns the description that `keras_unetmm.tflite.convert` wrote into a .tflite file, or None.

    Keys: `version` of keras_unetmm; `target`; `input` and `output`, each with `type`, `shape`, `scale`, `zero_point` and
    `meaning`, the first of several; `inputs` and `outputs`, lists of all of them where there are several; `mean` and
    `std`, None where the file normalises nothing that the model did not.

    Args:
        file: path or bytes.

    Raises:
        TFLiteFileError: if the file is damaged.

    Examples:
        >>> tflite.metadata("model.tflite") is None
        True
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
