# SPDX-License-Identifier: Apache-2.0
"""Sizes that a file leaves open, such as the batch: known only when it runs."""

from ai_edge_litert import schema_py_generated as schema


def open_sizes(content):
    """Returns, of a file's main graph, the tensors with sizes that are known only when it runs.

    Args:
        content: bytes of a .tflite file.

    Returns:
        dict from a tensor's index to its name and its sizes, such as `"?x4x4x8"`.
    """
    graph = schema.Model.GetRootAs(content).Subgraphs(0)
    found = {}
    for index in range(graph.TensorsLength()):
        tensor = graph.Tensors(index)
        sizes = tensor.ShapeSignatureAsNumpy().tolist() if tensor.ShapeSignatureLength() else ()
        if any(size < 0 for size in sizes):
            said = "x".join("?" if size < 0 else str(size) for size in sizes)
            found[index] = (tensor.Name() or b"").decode(errors="replace"), said
    return found


def open_sizes_said(content):
    """Returns a sentence on what the open sizes of a file's main graph are taken for; nothing where all are fixed."""
    sizes = open_sizes(content)
    if not sizes:
        return ""
    name, said = next(iter(sizes.values()))
    tensors = "1 tensor" if len(sizes) == 1 else f"{len(sizes)} tensors, such as"
    return f"Open sizes are taken as the file's shapes say, in {tensors} {name!r} of {said}."
