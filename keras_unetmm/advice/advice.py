# SPDX-License-Identifier: Apache-2.0
"""What would make a file fit: each way measured by the planner, the engine's scheduler and the tiler, or bounded."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from keras_unetmm.advice import elsewhere, smaller
from keras_unetmm.advice.option import BOUNDED, MEASURED, Asked, Option
from keras_unetmm.planner.plan import Plan
from keras_unetmm.planner.planner import plan
from keras_unetmm.planner.tail import estimated_tail


def advice(
    content: bytes,
    name: str,
    found: Plan | None = None,
    arena: int | None = None,
    tail: int | None = None,
    kernels: str = "any",
    seconds: float = 20.0,
    search: float = 0.5,
    progress: Callable[[str], None] = lambda what: None,
    runs: bool = True,
) -> tuple[Option, ...]:
    """Returns what would make a network need less memory, in the order in which it is worth trying.

    Args:
        content: bytes of a .tflite file.
        name: str, how commands call it, such as its path.
        found: its `keras_unetmm.planner.plan.Plan`, if it was made before.
        arena: int, bytes that there are: options say whether they fit.
        tail: int, bytes that TFLM takes beside the head, if measured before.
        kernels: str, the library of kernels that the plan is for.
        seconds: float, about how long tiles are tried; one is tried in any case.
        search: float, CPU seconds of each of the planner's searches.
        progress: function called with a str before each step.
        runs: bool, whether TFLM runs the planned file. Where it does not, other kernels and other sizes do not help.

    Raises:
        ValueError: for an unknown library of kernels.
        TFLiteFileError: if the file is damaged.
    """
    found = plan(content, kernels, seconds=2 * search) if found is None else found
    tail = estimated_tail(found.graph) if tail is None else tail
    asked = Asked(content, name, found, kernels, arena, tail, search, runs)
    return tuple(_judged(option, asked) for option in _options(asked, seconds, progress))


def _options(asked: Asked, seconds: float, progress: Callable[[str], None]) -> Iterator[Option]:
    progress("planning for other kernels")
    yield from elsewhere.other_kernels(asked)
    progress("scheduling for the engine")
    yield from elsewhere.engine(asked)
    progress("cutting into tiles")
    yield from elsewhere.tiles(asked, seconds)
    yield from smaller.peak(asked)
    progress("looking for an input size that fits")
    yield from smaller.input_size(asked)
    yield from smaller.eight_bits(asked)
    yield from smaller.light_skips(asked)


def _judged(option: Option, asked: Asked) -> Option:
    arena = asked.arena
    if option.bytes is None or arena is None:
        return option
    known = option.how == MEASURED or (option.how == BOUNDED and option.bytes > arena)
    known = known and (asked.runs or option.bytes > arena or option.kind != "size")  # its operators are those of the file
    return replace(option, fits=option.bytes <= arena if known else None)
