# SPDX-License-Identifier: Apache-2.0
"""Whether a file fits into an arena, and by how much."""

import re

from keras_unetmm.interpreters.runtime import LARGEST_ARENA, TFLMError, measure
from keras_unetmm.planner.tail import estimated_tail
from keras_unetmm.tflite_file.graph import load

_STEP = 16  # bytes
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}


def parsed_bytes(text):
    """Returns the bytes that a text such as `262144`, `256K` or `1M` names; K, M and G are powers of 1,024.

    Raises:
        ValueError: for another text, or less than one byte.
    """
    found = re.fullmatch(r"(\d[\d,_]*(?:\.\d+)?)\s*([KMG]?)(?:i?B)?", str(text).strip(), re.IGNORECASE)
    size = 0
    if found and len(found[1]) <= 20:
        size = float(found[1].replace(",", "").replace("_", "")) * _UNITS[found[2].upper()]
    if size < 1 or size != int(size):
        raise ValueError(f"it must be a number of bytes, such as 262144, 256K or 1M. Received: {text!r}.")
    return int(size)


def fitted(file, found, result, arena):
    """Returns how a planned file fits into an arena, as JSON can hold it.

    Args:
        file: path or bytes of the file as it is.
        found: `keras_unetmm.planner.plan.Plan`.
        result: dict, what `keras_unetmm.planner.report.report` says of it, and `keras_unetmm.targets.planned.judge`.
        arena: int, bytes.

    Returns:
        dict of `judged`, `"planned"`, or `"as_is"` for a file that cannot be planned; `arena`; `needed`, with which TFLM
        prepares it with those kernels; `left`, bytes, below 0 where it is too small; `runs`, whether TFLM runs it; `fits`,
        false where it does not run, whatever is left; and where TFLM cannot measure the file `estimated`, true: the head
        is predicted to the byte and the tail is estimated.
    """
    judged = "as_is" if found.planned is None else "planned"
    measured = result[judged]["measured"]
    head = found.greedy_head if found.planned is None else found.planned.head
    if measured is None:
        needed = head + estimated_tail(found.graph if found.planned is None else found.planned.graph)
    else:
        needed = _least_arena(load(file) if found.planned is None else found.planned.content, measured["total"])
        needed += max(head - measured["head"], 0)  # scratch that those kernels ask for, beyond that of those that measure
    runs = result[judged]["runs"]
    fit = {"judged": judged, "arena": arena, "needed": needed, "left": arena - needed, "runs": runs}
    fit["fits"] = runs and needed <= arena
    return fit if measured else {**fit, "estimated": True}


def _least_arena(content, total):
    """Head and tail, and what more TFLM takes for a while to plan a small file, to 16 bytes."""

    def prepared(size):
        try:
            return bool(measure(content, size))
        except TFLMError:
            return False

    if prepared(total):
        return total
    low, high = 0, _STEP
    while not prepared(total + high):
        if total + 2 * high > LARGEST_ARENA:
            raise ValueError(f"--arena must come with a file that TFLM prepares. Received: one that takes {total:,} bytes.")
        low, high = high, 2 * high
    while high - low > _STEP:
        middle = (low + high) // 2 // _STEP * _STEP
        low, high = (low, middle) if prepared(total + middle) else (middle, high)
    return total + high


def said(fit):
    """Returns that in a few words: `fits, 18,240 bytes left`, `short by 6,224 bytes`, or that TFLM does not run the file."""
    if not fit["runs"]:
        return "does not fit: TFLM does not run this file"
    said = f"fits, {fit['left']:,} bytes left" if fit["fits"] else f"short by {-fit['left']:,} bytes"
    return f"{said}, by an estimate of the tail" if fit.get("estimated") else said
