# SPDX-License-Identifier: Apache-2.0
"""A network planned to need less of the arena: rewritten, reordered, placed."""

import time
from dataclasses import dataclass, replace

from keras_unetmm.interpreters.runtime import RunError, measure
from keras_unetmm.kernels.libraries import library_of
from keras_unetmm.planner import rewrites
from keras_unetmm.planner.arena import as_TFLM_will, place
from keras_unetmm.planner.bound import lower_bound
from keras_unetmm.planner.operator_graph import OperatorGraph
from keras_unetmm.planner.placement_problem import PlacementProblem, placement_problem
from keras_unetmm.planner.plan import Plan, PlannedFile, as_it_is, own_addresses, profile_of
from keras_unetmm.planner.reorder import orders_of_wide, reorder
from keras_unetmm.planner.tail import estimated_tail
from keras_unetmm.planner.verify import PlanRefused, verify
from keras_unetmm.tflite_file import graph as tflite_graph
from keras_unetmm.tflite_file.edit import File
from keras_unetmm.types import FileLike

_LARGEST = 2**31 - 1  # bytes: offsets are 32-bit numbers
_ORDERS, _ORDERS_PLACED = 16, 4  # of one peak that are looked at where graphs are wide, and of those that are placed
_MOST_OPERATORS = 2_000  # to be ordered: pairs of them are looked at


def plan(file: FileLike, kernels: str = "any", seconds: float = 4.0) -> Plan:
    """Finds out what a file needs of the arena, and plans it to need less.

    The planned file gives the same outputs, byte for byte, on stock TFLM: `keras_unetmm.runtime.cross_check` runs both.

    Args:
        file: path or bytes of a .tflite file.
        kernels: the library of kernels that the plan must be safe for: `"any"` (the reference kernels, and CMSIS-NN on
            cores without Helium), `"reference"`, `"cmsis-nn"`, `"cmsis-nn-helium"` (with the scratch of Cortex-M55 and
            M85), or `"none"`, where nothing overlaps.
        seconds: float, CPU time for each of the few searches for a placement that do not meet the lower bound before.

    Returns:
        A `Plan`.

    Raises:
        ValueError: for an unknown library of kernels.
        TFLiteFileError: if the file is not a .tflite file, cut short or damaged.

    Examples:
        >>> found = tflite.plan("model.tflite")
        >>> found.planned.head <= found.greedy_head
        True
    """
    library_of(kernels)  # raises for an unknown one
    content = tflite_graph.load(file)
    found = as_it_is(content, kernels)
    if found.order_bound > _LARGEST:
        return replace(
            found, why_not_planned=f"It needs {found.order_bound:,} bytes at once, more than offsets can express."
        )
    if len(found.graph.operators) > _MOST_OPERATORS:
        said = f"It has {len(found.graph.operators):,} operators, and files of up to {_MOST_OPERATORS:,} are planned."
        return replace(found, why_not_planned=said)
    begin = time.monotonic()
    try:
        planned = _planned(content, found, kernels, seconds)
    except PlanRefused as error:
        return replace(found, why_not_planned=f"The plan did not pass its verifier: {error}")
    except tflite_graph.TFLiteFileError:
        raise
    except tflite_graph.DAMAGE as error:
        raise tflite_graph.TFLiteFileError(
            f"file is damaged: it cannot be taken apart and put together again ({type(error).__name__}: {error}). "
            "Convert it again."
        ) from error
    return replace(found, planned=replace(planned, seconds=time.monotonic() - begin))


def _planned(content, found, kernels, seconds):
    """The best of: reordered; rewritten as well; and in the file's own order, so that it is never worse."""
    file = File(content)
    file.remove_plan()
    removed = rewrites.eliminate_identities(file, found.graph)
    file.prune()
    plain = file.packed()
    said = tuple(f"{name} at operator {position} removed" for position, name in removed)
    rewritten, sites = _rewritten(plain, kernels)
    best = None
    if sites:
        best = _placed(rewritten, kernels, seconds, said + tuple(site.description for site in sites))
    if best is None or best.head + _tail(best.content) >= _least(plain, kernels) + _tail(plain):
        without = _placed(plain, kernels, seconds, said)
        if best is None or without.head + _tail(without.content) <= best.head + _tail(best.content):
            best = without
    if best.head > found.greedy_head:
        best = min(best, _placed(plain, kernels, seconds, said, own_order=True), key=lambda p: p.head)
    if best.head > found.greedy_head and found.model.offsets is not None:
        best = _kept(content, found, kernels) or best
    verify(best.content, kernels)
    return best


def _kept(content, found, kernels):
    """The file with the plan that it holds, if that is safe for the kernels."""
    try:
        verify(content, kernels)
    except PlanRefused:
        return None
    problem = placement_problem(found.model, kernels)
    placement = as_TFLM_will(problem, own_addresses(found.model, problem.timeline))
    bound = lower_bound(problem)
    return PlannedFile(content, kernels, found.model, found.lifetimes, found.live, placement, bound, None, (), 0.0)


def _placed(content, kernels, seconds, said, own_order=False):
    """A file reordered and placed, its plan written into it."""
    model, file = tflite_graph.read(content), File(content)
    order_bound, positions = None, tuple(range(len(model.main.operators)))
    if not own_order and len(model.graphs) == 1:
        order = reorder(model, kernels)
        order_bound, positions = order.bound, order.positions
    laid = _laid(model, positions, kernels)
    placement = place(laid.problem, laid.bound, seconds)
    if order_bound is not None and placement.head > order_bound:
        laid, placement = _best_of(model, kernels, (laid, placement), order, seconds)
    file.reorder(laid.positions)
    file.set_plan(placement.offsets)
    profile = profile_of(laid.problem.timeline, len(positions))
    return PlannedFile(file.packed(), kernels, laid.model, *profile, placement, laid.bound, order_bound, said, 0.0)


@dataclass(frozen=True)
class _Laid:
    """A model in some order, and the problem of placing it."""

    positions: tuple
    model: tflite_graph.Model
    problem: PlacementProblem
    bound: int


def _laid(model, positions, kernels):
    operators = tuple(model.main.operators[position] for position in positions)
    model = replace(model, graphs=(replace(model.main, operators=operators), *model.graphs[1:]))
    problem = placement_problem(model, kernels)
    return _Laid(positions, model, problem, lower_bound(problem))


def _best_of(model, kernels, best, order, seconds):
    """What needs least of the order that was placed and, of a wide graph, some more of its peak."""
    found = [_laid(model, each, kernels) for each in orders_of_wide(model, kernels, order.peak, _ORDERS, seconds / 2)]
    for laid in sorted(found, key=lambda laid: laid.bound)[:_ORDERS_PLACED]:
        if laid.bound < best[1].head and best[1].head > order.bound:
            best = min(best, (laid, place(laid.problem, laid.bound, seconds / 4)), key=lambda pair: pair[1].head)
    return best


def _rewritten(content, kernels):
    """The file rewritten at the sites that are worth their operators, and those sites."""
    model = tflite_graph.read(content)
    everywhere = rewrites.sites(model.main)
    if not everywhere:
        return content, []
    floors = OperatorGraph(model.main, kernels).floors
    need = {site: max(floors[position] for position in site.operators) for site in everywhere}
    everywhere.sort(key=lambda site: -need[site])
    all_content = _apply(content, model, everywhere)
    least = reorder(tflite_graph.read(all_content), kernels).peak
    an_operator = (_tail(all_content) - _tail(content)) / max(sum(site.added for site in everywhere), 1)
    totals, added = [], 0
    for count in range(len(everywhere) + 1):  # rewriting the neediest so many leaves the next one's need
        left = need[everywhere[count]] if count < len(everywhere) else 0
        totals.append(max(least, left) + added * an_operator)
        added += everywhere[count].added if count < len(everywhere) else 0
    count = totals.index(min(totals))
    chosen = sorted(everywhere[:count], key=lambda site: site.operators)
    return (all_content if count == len(everywhere) else _apply(content, model, chosen)), chosen


def _apply(content, model, chosen):
    file = File(content)
    rewrites.apply(file, model.main, chosen)
    return file.packed()


def _least(content, kernels):
    """Bytes of head that the file needs however it is ordered and placed."""
    return reorder(tflite_graph.read(content), kernels).bound


def _tail(content):
    """Bytes of tail, measured; where TFLM cannot say, what its operators are likely to take."""
    try:
        return measure(content).tail
    except RunError:
        return estimated_tail(tflite_graph.read(content).main)
