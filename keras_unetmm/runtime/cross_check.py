"""Proof that two files compute the same: both run on TFLM, and every byte of every output is compared."""

import numpy as np

from keras_unetmm.interpreters.runtime import run
from keras_unetmm.tflite_file.graph import load, read

INPUTS = ("random", "random again", "all minimum", "all maximum", "rising ramp", "falling ramp")
_PIECE = 2**20  # values of a ramp that are made at once
_TYPES = {
    **{"INT8": "int8", "UINT8": "uint8", "INT16": "int16", "UINT16": "uint16", "BOOL": "bool"},
    **{"INT32": "int32", "INT64": "int64", "UINT32": "uint32", "FLOAT32": "float32"},
}


class OutputsDifferError(ValueError):
    """The two files do not compute the same."""


def cross_check(original, planned, progress=lambda name: None):
    """Runs both files on the inputs named in `INPUTS`.

    Args:
        original, planned: paths or bytes of .tflite files.
        progress: function called with the name of each input before it is run.

    Raises:
        OutputsDifferError: if one byte differs.
        RunError: if TFLM cannot run one of them.
    """
    original, planned = load(original), load(planned)
    model = read(original)
    graph, fault = model.main, "This is a fault of the planner: please report it with the file."
    if model.offsets is not None:
        fault = "The original holds a plan of its own, which may let tensors destroy each other: make it again without one."
    for name in INPUTS:
        progress(name)
        arrays = [_array(name, graph.tensors[index], seed) for seed, index in enumerate(graph.inputs)]
        before, after = (run(content, arrays).outputs for content in (original, planned))
        for i, (a, b) in enumerate(zip(before, after, strict=True)):
            if a.tobytes() != b.tobytes():
                raise OutputsDifferError(
                    f"planned must give the same bytes as the original. On the {name} input, {(a != b).sum()} of {a.size} "
                    f"values of output {i} differ. {fault}"
                )


def _array(name, tensor, seed):
    """An input of a tensor's type. Integers of 32 bits are often indices, so they are 0 and 1 only."""
    kind = np.dtype(_TYPES.get(tensor.type, "int8"))
    if kind.kind == "f":
        low, high = -1.0, 1.0
    elif kind.itemsize >= 4 or kind.kind == "b":
        low, high = 0, 1
    else:
        low, high = np.iinfo(kind).min, np.iinfo(kind).max
    rng = np.random.default_rng((INPUTS.index(name), seed))
    size = int(np.prod(tensor.shape))
    if name.startswith("random"):
        if kind.kind == "f":
            flat = rng.random(size, kind)
            flat *= high - low
            flat += low
        else:
            flat = rng.integers(low, high, size, kind, endpoint=True)
    elif name.startswith("all"):
        flat = np.full(size, low if name == "all minimum" else high, kind)
    else:
        flat = _ramp(*((low, high) if name == "rising ramp" else (high, low)), size, kind)
    return flat.reshape(tensor.shape)


def _ramp(first, last, size, kind):
    """Numbers that rise or fall evenly, made piece by piece: no more memory than they take themselves."""
    flat = np.empty(size, kind)
    for begin in range(0, size, _PIECE):
        places = np.arange(begin, min(begin + _PIECE, size))
        values = first + (last - first) * (places / max(size - 1, 1))
        flat[begin : begin + _PIECE] = values if kind.kind == "f" else np.round(values)
    return flat
