# SPDX-License-Identifier: Apache-2.0
"""Graphs of a file at which a run may begin: TFLM begins at the first one only, LiteRT at any that a signature names."""

from ai_edge_litert import schema_py_generated as schema

from keras_unetmm.tflite_file.graph import read
from keras_unetmm.tflite_file.validate import CALLS


def entry_points(content: bytes) -> tuple[str, ...]:
    """Returns the names of the graphs at which a run may begin, the first graph first.

    Those are the first graph, those that signatures name and, in a file without signatures, those that no other graph
    calls. A graph has the names of its signatures; without any it is called by its number.

    Args:
        content: bytes of a .tflite file.

    Raises:
        TFLiteFileError: if the file is damaged.
    """
    graphs = read(content).graphs
    model = schema.Model.GetRootAs(content)
    names: dict[int, list[str]] = {}
    for i in range(model.SignatureDefsLength()):
        signature = model.SignatureDefs(i)
        names.setdefault(signature.SubgraphIndex(), []).append((signature.SignatureKey() or b"").decode(errors="replace"))
    called = {
        getattr(operator.options, getter)()
        for graph in graphs
        for operator in graph.operators
        for getter in CALLS.get(operator.name, ())
    }
    others = [g for g in range(1, len(graphs)) if g in names or (not names and g not in called)]
    return tuple(" or ".join(map(repr, names[g])) if g in names else f"graph {g}" for g in (0, *others))


def other_entry_points_said(content: bytes, of_others: str) -> str:
    """Returns two sentences on the entry points beside the first graph, and what is so of them; nothing without any."""
    first, *others = entry_points(content)
    if not others:
        return ""
    return (
        f"A run on TFLM begins at the first graph, {first}; the file has other entry points, {', '.join(others)}, which "
        f"{of_others}. Convert each signature into a file of its own."
    )


def validate_one_entry_point(content: bytes) -> None:
    """Raises a ValueError if a run may begin at several graphs of a file, with their names."""
    found = entry_points(content)
    if len(found) > 1:
        raise ValueError(
            f"file must have one entry point. Received: {len(found)}, {', '.join(found)}. Convert each signature into a "
            "file of its own: tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[name])."
        )
