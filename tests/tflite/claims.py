"""Everything that a plan claims, measured."""

from keras_unetmm.tflite import plan
from keras_unetmm.tflite.prove import prove
from keras_unetmm.tflite.runtime import measure
from keras_unetmm.tflite.verify import verify


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
