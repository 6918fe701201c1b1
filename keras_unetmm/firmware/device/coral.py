# SPDX-License-Identifier: Apache-2.0
"""Runs a file on a Coral Edge TPU that is plugged into this computer, or on the processor, with a word why."""

import sys
from dataclasses import dataclass

from keras_unetmm.firmware.device.ports import DeviceError
from keras_unetmm.interpreters.runtime import RunError, run_on_edge_tpu
from keras_unetmm.tflite_file.graph import load, read
from keras_unetmm.tflite_file.metadata import metadata

LIBRARIES = {"linux": "libedgetpu.so.1", "darwin": "libedgetpu.1.dylib", "win32": "edgetpu.dll"}
_COMPILED = "edgetpu-custom-op"  # the operator that edgetpu_compiler writes


@dataclass(frozen=True)
class CoralRun:
    """What a run gave.

    Attributes:
        outputs: list of numpy arrays.
        seconds: float, of one image, once the weights were there.
        word: str, why the processor ran it; empty on the Edge TPU.
        ports: dict of `inputs` and `outputs`, and `kind` of the output, as a device describes itself.
    """

    outputs: list
    seconds: float
    word: str
    ports: dict


def described(file):
    """Returns the dict of what goes in and comes out of a file, as a device describes itself."""
    content = load(file)
    graph = read(content).main
    sides = {
        side: [
            {
                "type": graph.tensors[i].type,
                "shape": list(graph.tensors[i].shape),
                "scale": float(graph.tensors[i].scales[0]) if len(graph.tensors[i].scales) else None,
                "zero_point": int(graph.tensors[i].zero_points[0]) if len(graph.tensors[i].zero_points) else 0,
            }
            for i in numbers
        ]
        for side, numbers in (("inputs", graph.inputs), ("outputs", graph.outputs))
    }
    return {**sides, "kind": ((metadata(content) or {}).get("output") or {}).get("kind")}


def run_coral(file, inputs, library=None):
    """Runs a file, compiled for the Edge TPU or not, and returns a `CoralRun`.

    Args:
        file: path of a .tflite file.
        inputs: list of numpy arrays, of the file's own types and shapes.
        library: str, that of the Edge TPU's delegate; by default this system's.

    Raises:
        DeviceError: for a compiled file without an Edge TPU, which alone can run it, or a run that fails.
    """
    ports, library = described(file), library or LIBRARIES.get(sys.platform, LIBRARIES["linux"])
    try:
        word, seconds, outputs = run_on_edge_tpu(file, inputs, library)
    except RunError as error:
        if all(operator.name != _COMPILED for operator in read(load(file)).main.operators):
            raise
        raise DeviceError(
            f"{file} is compiled for the Edge TPU, which alone can run it. Received: no Edge TPU through {library} "
            f"({error}). Plug one in, install {library}, or give the file that was compiled."
        ) from error
    return CoralRun(outputs, seconds, word, ports)
