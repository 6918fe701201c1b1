# SPDX-License-Identifier: Apache-2.0
"""Inputs to try a file on: random ones, the ends of its type, and ramps."""

import numpy as np

INPUTS = ("random", "random again", "all minimum", "all maximum", "rising ramp", "falling ramp")
_PIECE = 2**20  # values of a ramp that are made at once
_TYPES = {
    **{"INT8": "int8", "UINT8": "uint8", "INT16": "int16", "UINT16": "uint16", "BOOL": "bool"},
    **{"INT32": "int32", "INT64": "int64", "UINT32": "uint32", "FLOAT32": "float32"},
}


def array_of(name, tensor, seed=0):
    """Returns an input of a tensor's type and shape. Integers of 32 bits are often indices, so they are 0 and 1 only.

    Args:
        name: one of `INPUTS`.
        tensor: `keras_unetmm.tflite_file.graph.Tensor`.
        seed: int, of the random ones; the inputs of one file have one each.
    """
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
