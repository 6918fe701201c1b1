# SPDX-License-Identifier: Apache-2.0
"""What a plan says, as JSON and as a table."""

from rich.table import Table

from keras_unetmm.interpreters.runtime import RunError, measure
from keras_unetmm.kernels.libraries import library_of
from keras_unetmm.kernels.tflm_reference import REFERENCE
from keras_unetmm.planner.planner import plan
from keras_unetmm.planner.skips import at_peak
from keras_unetmm.tflite_file.entry_points import other_entry_points_said
from keras_unetmm.tflite_file.graph import load
from keras_unetmm.tflite_file.names import short_name
from keras_unetmm.tflite_file.open_sizes import open_sizes_said

_YES = {True: "yes", False: "no"}


def report(file, kernels="any", seconds=4.0):
    """Plans a file and measures it on TFLM, where that is installed, as it is and planned.

    Args:
        file: path or bytes of a .tflite file.
        kernels: as for `plan`. What is measured is measured with the reference kernels.
        seconds: as for `plan`.

    Returns:
        The `Plan`, and the dict that `unetmm plan --json` prints. `measured` is None, and `"why_not_measured"` says
        why, where TFLM cannot run the file.

    Raises:
        ValueError: for an unknown library of kernels.
        TFLiteFileError: if the file is not a .tflite file, cut short or damaged.
    """
    found = plan(file, kernels, seconds)
    arenas, why = [], None
    for content in (file, found.planned and found.planned.content):
        try:
            arenas.append(None if content is None else measure(content))
        except RunError as error:
            arenas.append(None)
            why = why or str(error)
    content = load(file)
    result, note = as_dict(found, *arenas, why), open_sizes_said(content)
    if note:
        result["open_sizes"] = f"{note} Maps may be larger when it runs. Convert the model for a fixed size and batch."
    others = other_entry_points_said(content, "take memory all the same")
    if others:
        result["entry_points"] = others
    return found, result


def as_dict(found, arena, planned_arena=None, why_not_measured=None):
    """Returns a `Plan` and what was measured, `Arena` or None, as JSON can hold them."""
    result = {
        "operators": len(found.graph.operators),
        "macs": found.macs,
        "flash_bytes": found.flash_bytes,
        "as_is": {"greedy_head": found.greedy_head, "order_bound": found.order_bound, "measured": _measured(arena)},
        "planned": _planned(found.planned, planned_arena),
        "peak": _peak(found),
        "skips": [
            {"tensor": found.graph.tensors[life.tensor].name, "bytes": life.bytes, "from": life.first, "to": life.last}
            for life in at_peak(found)
        ],
    }
    if found.why_not_planned:
        result["why_not_planned"] = found.why_not_planned
    return result if why_not_measured is None else {**result, "why_not_measured": why_not_measured}


def _measured(arena):
    return None if arena is None else {"head": arena.head, "tail": arena.tail, "total": arena.total}


def _planned(planned, arena):
    if planned is None:
        return None
    return {
        "kernels": planned.kernels,
        "operators": len(planned.graph.operators),
        "head": planned.head,
        "bound": planned.bound,
        "order_bound": planned.order_bound,
        "flash_bytes": len(planned.content),
        "measured": _measured(arena),
        "rewrites": list(planned.rewrites),
        "seconds": round(planned.seconds, 2),
    }


def _peak(found):
    if found.peak is None:
        return None
    live = []
    for life in found.alive(found.peak):
        tensor = None if life.tensor is None else found.model.tensor(life.tensor)
        name, shape = ("scratch of a kernel", ()) if tensor is None else (tensor.name, tensor.shape)
        live.append({"tensor": name, "shape": list(shape), "bytes": life.bytes})
    return {"operator": found.peak, "name": found.graph.operators[found.peak].name, "live": live}


def as_table(title, result):
    """Returns the dict of `report` as a rich table: as it is beside planned, then who is alive at the peak."""
    as_is, planned = result["as_is"], result["planned"] or {}
    before, after = as_is["measured"] or {}, planned.get("measured") or {}
    other = planned and library_of(planned["kernels"]).scratch_of != REFERENCE.scratch_of
    measured = "measured on TFLM with the reference kernels" if other else "measured on TFLM"
    table = Table(title=title, title_justify="left")
    table.add_column("")
    table.add_column("as it is", justify="right")
    table.add_column(f"planned, kernels {planned['kernels']}" if planned else "planned", justify="right")
    if "runs" in as_is:
        table.add_row("runs on TFLM", _YES[as_is["runs"]], _YES[planned["runs"]] if planned else "-")
    for name, left, right, unit in (
        ("operators", result["operators"], planned.get("operators"), ""),
        ("multiply-accumulates", result["macs"], result["macs"] if planned else None, ""),
        ("flash", result["flash_bytes"], planned.get("flash_bytes"), " B"),
        ("lower bound of the head, in this order", as_is["order_bound"], planned.get("bound"), " B"),
        ("arena head, predicted", as_is["greedy_head"], planned.get("head"), " B"),
        *((f"arena {part}, {measured}", before.get(part), after.get(part), " B") for part in ("head", "tail", "total")),
    ):
        table.add_row(name, *("-" if value is None else f"{value:,}{unit}" for value in (left, right)))
    if result["peak"]:
        table.add_section()
        table.add_row(f"peak as it is: operator {result['peak']['operator']}, {result['peak']['name']}", "alive there")
        for tensor in result["peak"]["live"]:
            shape = "x".join(map(str, tensor["shape"]))
            table.add_row(f"  {short_name(tensor['tensor'])} {shape}", f"{tensor['bytes']:,} B")
    if planned.get("rewrites"):
        table.add_section()
        for rewrite in planned["rewrites"]:
            table.add_row(rewrite)
    return table
