# SPDX-License-Identifier: Apache-2.0
"""A cross-check that two files compute the same: both run on one interpreter, and every byte of every output is compared."""

from collections.abc import Callable

from keras_unetmm.interpreters.examples import INPUTS, array_of
from keras_unetmm.interpreters.runtime import reference_runtime, run
from keras_unetmm.tflite_file.graph import load, read
from keras_unetmm.types import FileLike

__all__ = ["INPUTS", "OutputsDifferError", "cross_check", "reference_runtime"]


class OutputsDifferError(ValueError):
    """The two files do not compute the same."""


def cross_check(
    original: FileLike, planned: FileLike, progress: Callable[[str], object] = lambda name: None, runtime: str = "tflm"
) -> None:
    """Runs both files on the inputs named in `INPUTS`.

    Args:
        original, planned: paths or bytes of .tflite files.
        progress: function called with the name of each input before it is run.
        runtime: `"tflm"` or `"litert-reference"`, as of `reference_runtime`.

    Raises:
        OutputsDifferError: if one byte differs.
        RunError: if the interpreter cannot run one of them.
    """
    original, planned = load(original), load(planned)
    model = read(original)
    graph, fault = model.main, "This is a fault of the planner: please report it with the file."
    if model.offsets is not None:
        fault = "The original holds a plan of its own, which may let tensors destroy each other: make it again without one."
    for name in INPUTS:
        progress(name)
        arrays = [array_of(name, graph.tensors[index], seed) for seed, index in enumerate(graph.inputs)]
        before, after = (run(content, arrays, runtime).outputs for content in (original, planned))
        for i, (a, b) in enumerate(zip(before, after, strict=True)):
            if a.tobytes() != b.tobytes():
                raise OutputsDifferError(
                    f"planned must give the same bytes as the original. On the {name} input, {(a != b).sum()} of {a.size} "
                    f"values of output {i} differ. {fault}"
                )
