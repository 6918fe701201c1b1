# SPDX-License-Identifier: Apache-2.0
"""All that a report says of a file, as plain data: measured, planned, judged and advised once."""

from collections.abc import Callable
from dataclasses import dataclass

from keras_unetmm.advice.advice import advice
from keras_unetmm.operators.registry import operator_macs
from keras_unetmm.planner import report as plans
from keras_unetmm.planner.plan import Plan
from keras_unetmm.planner.tail import estimated_tail
from keras_unetmm.targets.planned import judge
from keras_unetmm.targets.targets import TARGETS, check
from keras_unetmm.targets.verdict import CompilerError, Verdict
from keras_unetmm.tflite_file.names import short_name
from keras_unetmm.types import JsonObject

MEMORIES = (128, 192, 256, 320, 512, 1024)  # KiB of RAM that microcontrollers have
_MOST_ROWS = 3000  # operators that are listed


@dataclass(frozen=True)
class Collected:
    """What a report is made of.

    Attributes:
        name: str, of the network.
        plan: `keras_unetmm.planner.plan.Plan`.
        result: dict of `keras_unetmm.planner.report.report`.
        advice: list of dicts, of `keras_unetmm.advice.option.Option`.
        verdicts: dict from a target to its `Verdict`, or to a str, why there is none.
    """

    name: str
    plan: Plan
    result: JsonObject
    advice: list[JsonObject]
    verdicts: "dict[str, Verdict | str]"


def collected(
    content: bytes,
    name: str,
    command_name: str,
    kernels: str = "any",
    seconds: float = 10.0,
    compile: bool = True,
    search: float = 4.0,
    progress: Callable[[str], None] = lambda what: None,
) -> Collected:
    """Plans, measures, judges and advises a file.

    Args:
        content: bytes of a .tflite file.
        name: str, for the page's title.
        command_name: str, how commands call the file.
        kernels: str, the library of kernels that the plan is for.
        seconds: float, about how long tiles are tried.
        compile: bool, whether the targets' own programs are asked, as for `keras_unetmm.tflite.check`.
        search: float, CPU seconds of each of the planner's searches.
        progress: function called with a str before each step.

    Raises:
        ValueError: for an unknown library of kernels.
        TFLiteFileError: if the file is damaged.
    """
    progress("planning")
    found, result = plans.report(content, kernels, search)
    progress("checking for tflm")
    on_tflm, planned = judge(content, found, result, compile), result["planned"]
    tail = (planned or result["as_is"])["measured"]
    tail = tail["tail"] if tail else estimated_tail(found.graph)
    runs = (planned or result["as_is"])["runs"]
    options = advice(content, command_name, found, None, tail, kernels, seconds, min(search, 0.5), progress, runs)
    verdicts = {}
    for target in TARGETS:
        progress(f"checking for {target}")
        verdicts[target] = on_tflm if target == "tflm" else _verdict(content, target, compile)
    return Collected(name, found, result, [option.as_json() for option in options], verdicts)


def _verdict(content: bytes, target: str, compile: bool) -> "Verdict | str":
    """The target's own word; that of the rules where its compiler fails."""
    try:
        return check(content, target, compile)
    except CompilerError:
        return check(content, target, compile=False)
    except ValueError as error:  # an interpreter finds the file damaged
        return str(error)


def ways(made: Collected) -> list[JsonObject]:
    """Returns the ways to run the file: `name`, `bytes` in all or None, `parts`, `said` and whether it `runs`, of each."""
    as_is, planned = made.result["as_is"], made.result["planned"]
    rows = [_on_tflm("TFLM, as converted", as_is, as_is["greedy_head"], made)]
    if planned:
        rows.append(_on_tflm(f"TFLM, planned for kernels {planned['kernels']}", planned, planned["head"], made))
    for kind, name in (("engine", "the engine (unetmm firmware)"), ("tiles", "TFLM, tile by tile")):
        for option in (option for option in made.advice if option["kind"] == kind):
            rows.append({"name": name, "bytes": option["bytes"], "parts": "", "said": option["said"], "runs": True})
    return rows


def _on_tflm(name: str, of_file: JsonObject, head: int, made: Collected) -> JsonObject:
    measured = of_file["measured"]
    tail = measured["tail"] if measured else estimated_tail(made.plan.graph)
    parts = f"head {head:,}, tail {tail:,}" + ("" if measured else " (estimated)")
    said = made.result.get("why_not_measured", "") if of_file["runs"] else "TFLM does not run this file"
    return {"name": name, "bytes": head + tail, "parts": parts, "said": said, "runs": of_file["runs"]}


def operators(made: Collected) -> list[JsonObject]:
    """Returns the main graph's operators in the order in which they run: index, name, output, shape, MACs and bytes."""
    graph, rows = made.plan.graph, []
    for index, operator in enumerate(graph.operators[:_MOST_ROWS]):
        outputs = [graph.tensors[i] for i in operator.outputs if i >= 0]
        rows.append(
            {
                "index": index,
                "name": operator.name,
                "output": short_name(outputs[0].name) if outputs else "",
                "shape": "x".join(map(str, outputs[0].shape)) if outputs else "",
                "macs": operator_macs(graph, operator),
                "bytes": sum(tensor.arena_bytes for tensor in outputs),
                "live": made.plan.live[index],
            }
        )
    return rows
