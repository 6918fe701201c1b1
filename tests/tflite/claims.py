"""Everything that a plan claims, measured."""

from keras_unetmm.interpreters.runtime import measure
from keras_unetmm.planner.verify import verify
from keras_unetmm.runtime.prove import prove
from keras_unetmm.tflite import plan


def check(content, kernels="any", seconds=0.5):
    """Asserts that a file's heads are as foretold, its plan safe and no larger, its outputs the same; returns the plan."""
    found = plan(content, kernels, seconds)
    assert found.greedy_head == measure(content).head
    assert found.planned is not None, found.why_not_planned
    verify(found.planned.content, kernels)
    assert found.planned.head == measure(found.planned.content).head
    assert found.planned.bound <= found.planned.head <= found.greedy_head
    prove(content, found.planned.content)
    return found
