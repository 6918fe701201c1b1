# SPDX-License-Identifier: Apache-2.0
"""The plan in a file's metadata, and whether TFLM can use each of its offsets."""

import numpy as np

from keras_unetmm.planner.verify.graphs import PlanRefused

_METADATA = b"OfflineMemoryAllocation"
_ALIGNMENT = 16  # bytes
_LIMIT = 2**31  # the runtime counts bytes in int32


def offsets(model, graphs):
    """Returns the offsets in the metadata of the schema's model, one for each tensor of all graphs."""
    count = sum(len(graph.tensors) for graph in graphs)
    entries = [model.Metadata(i) for i in range(model.MetadataLength())]
    entries = [entry for entry in entries if entry.Name() == _METADATA]
    if len(entries) != 1:
        raise PlanRefused(f"file must have one metadata entry {_METADATA.decode()}. Received: {len(entries)}.")
    number = entries[0].Buffer()
    if number >= model.BuffersLength():
        raise PlanRefused(f"plan is said to be in buffer {number} of {model.BuffersLength()}.")
    buffer = model.Buffers(number)
    data = buffer.DataAsNumpy().tobytes() if buffer.DataLength() else b""
    if len(data) != 4 * (3 + count):
        raise PlanRefused(f"plan must hold {4 * (3 + count)} bytes for {count} tensors. Received: {len(data)}.")
    numbers = np.frombuffer(data, "<i4").tolist()
    header = (("version", 1), ("subgraphs", len(graphs)), ("tensors", count))
    for (what, expected), received in zip(header, numbers[:3], strict=True):
        if received != expected:
            raise PlanRefused(f"plan must be for {what} {expected}, as the file is. Received: {received}.")
    return numbers[3:]


def check_offsets(graphs):
    """Raises `PlanRefused` unless all tensors that are used, and only they, have an offset that TFLM can use."""
    tensors = [tensor for graph in graphs for tensor in graph.tensors]
    for tensor in tensors:
        if tensor.offset == -1:
            if tensor.last is not None and not tensor.apart:
                raise PlanRefused(f"{tensor.label} is used but has no offset (-1).")
        elif tensor.apart:
            raise PlanRefused(f"{tensor.label} is {tensor.apart}, whose offset must be -1. Received: {tensor.offset:,}.")
        elif tensor.offset < 0 or tensor.offset % _ALIGNMENT:
            raise PlanRefused(f"{tensor.label} must start at a multiple of {_ALIGNMENT} bytes. Received: {tensor.offset:,}.")
        elif tensor.offset + -(-tensor.size // _ALIGNMENT) * _ALIGNMENT >= _LIMIT:
            raise PlanRefused(f"{tensor} must end before byte {_LIMIT:,}.")
    for graph in graphs[1:]:
        for tensor, read_instead in zip(graph.tensors, tensors, strict=False):
            if tensor.apart == "a variable" and read_instead.offset != -1:
                raise PlanRefused(
                    f"{tensor.label} is a variable, for which TFLM reads the offset of {read_instead.label}: it would get "
                    "no memory, as that is not -1."
                )
