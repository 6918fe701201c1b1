"""Everything that a plan claims, measured; with other kernels than the interpreter's, as far as they are the same."""

from keras_unetmm.interpreters.runtime import measure
from keras_unetmm.kernels.libraries import library_of
from keras_unetmm.planner.plan import as_it_is
from keras_unetmm.planner.verify import verify
from keras_unetmm.runtime.cross_check import cross_check
from keras_unetmm.tflite import plan


def check(content, kernels="any", seconds=0.5):
    """Asserts that a file's heads are as predicted, its plan safe and no larger, its outputs the same; returns the plan."""
    found = plan(content, kernels, seconds)
    _check_head(content, found.greedy_head, kernels)
    assert found.planned is not None, found.why_not_planned
    verify(found.planned.content, kernels)
    _check_head(found.planned.content, found.planned.head, kernels)
    assert found.planned.bound <= found.planned.head <= found.greedy_head
    cross_check(content, found.planned.content)
    return found


def _check_head(content, head, kernels):
    measured = measure(content).head
    if library_of(kernels).scratch_of == "reference":
        assert head == measured
    else:
        assert measured == as_it_is(content, "reference").greedy_head <= head
