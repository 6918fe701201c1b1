# SPDX-License-Identifier: Apache-2.0
"""How large a network may be: what the fields of the engine's tables hold, as `c/unetmm.h` declares them."""

import math

from keras_unetmm.engine.kernels.kernel import Window

SIDE = 2**16 - 1  # pixels of a row, and rows of an image
_PIXELS = 2**31 - 1  # of a map or a walk
_BYTES = 2**32 - 1  # of all maps together, so that every offset fits
_OPERATORS = 2**16 - 2  # UNETMM_NOBODY is none of them
_INPUTS = 10  # of one operator: UNETMM_INPUTS
_PORTS = 2**8  # inputs of the network, or outputs
_ELEMENTS = 2**25  # of one input or output: this computer holds several of them, as integers of 64 bits
_AXIS = range(-(2**15), 2**15)  # of the numbers in unetmm_axis


def excess(network):
    """Returns a sentence about the first thing of a network that is too much, or None.

    Args:
        network: `EngineNetwork`.
    """
    for m in network.maps:
        if m.pixels * m.bytes == 0:
            return f"the engine runs maps that are not empty. Received: the map {m.name!r} of the shape {m.shape}."
        if max(m.width, m.image_rows) > SIDE or m.pixels > _PIXELS:
            return (
                f"the engine runs maps of up to {SIDE:,} pixels a side and {_PIXELS:,} in all. Received: the map {m.name!r} "
                f"of the shape {m.shape}, {m.image_rows:,} rows of {m.width:,} pixels an image. Take a smaller image, or "
                "another shape."
            )
    for what, numbers in (("input", network.inputs), ("output", network.outputs)):
        for number in numbers:
            shape = network.maps[number].shape
            if math.prod(shape) > _ELEMENTS:
                return f"an {what} may have up to {_ELEMENTS:,} numbers. Received: the shape {shape}. Take a smaller image."
    held = sum(m.pixels * m.bytes for n, m in enumerate(network.maps) if m.root == n)
    if held > _BYTES:
        return f"the engine runs networks whose maps have up to {_BYTES:,} bytes. Received: {held:,}. Take a smaller image."
    for op in network.operators:
        if (said := _excess_of(op)) is not None:
            return said
    for what, count, most in (
        ("operators", len(network.operators), _OPERATORS),
        ("inputs", len(network.inputs), _PORTS),
        ("outputs", len(network.outputs), _PORTS),
    ):
        if count > most:
            return f"the engine runs networks of up to {most:,} {what}. Received: {count:,}. Cut the network in two."
    return None if network.outputs else "the engine runs networks with an output. Received: none. Give the file an output."


def _excess_of(op):
    if max(op.width, op.image_rows) > SIDE or op.pixels > _PIXELS:
        return (
            f"the engine's kernels walk over up to {SIDE:,} pixels a side. Received: {op.name} over {op.image_rows:,} rows "
            f"of {op.width:,}. Take a smaller image, or another shape."
        )
    if len(op.inputs) > _INPUTS:
        return (
            f"the engine's kernels read up to {_INPUTS} maps. Received: {op.name} of {len(op.inputs)}. Join fewer at once."
        )
    for access in (access for _, access in op.inputs if isinstance(access, Window)):
        for axis in (access.rows, access.columns):
            for number in (axis.step, axis.over, axis.first, axis.last):
                if number not in _AXIS:
                    return (
                        f"the engine's windows step and reach fewer than {_AXIS.stop:,} pixels. Received: {op.name} with "
                        f"{number:,}. Choose a smaller stride or dilation."
                    )
    return None
