"""SVDF gives TFLM's bytes over several runs, each of which goes on from the state that the one before left."""

import numpy as np
import pytest
from tflite.network import Network

from keras_unetmm.engine import lower, process, schedule
from keras_unetmm.engine.sources import hosted_sources
from keras_unetmm.interpreters import runtime
from keras_unetmm.tflite_file import graph

RUNS = 9

pytestmark = pytest.mark.no_backend


def svdf(net, x, filters, memory, rank, state_type, numbers):
    """Adds an SVDF; `numbers` has the zero points of state and output, and the scales of features, time and state."""
    state_point, point, feature_scale, time_scale, state_scale = numbers
    feature = net.constant(filters, net.shape(x)[1], scale=feature_scale)
    limit = 127 if state_type == "int8" else 32767
    values = net.rng.integers(-limit, limit, (filters, memory), endpoint=True)
    time = net.tensor((filters, memory), time_scale, 0, state_type, values.astype(state_type))
    units = filters // rank
    limit = int(2 / (time_scale * state_scale))  # of the real number 2
    bias = net.rng.integers(-limit, limit, units).astype("int32")
    bias = net.tensor((units,), time_scale * state_scale, 0, "int32", bias)
    state = net.tensor((net.shape(x)[0], memory * filters), state_scale, state_point, state_type)
    net.graph.tensors[state].isVariable = True
    made = net.tensor((net.shape(x)[0], units), 1 / 16, point)
    return net.operator("SVDF", [x, feature, time, bias, state], [made], "SVDF", rank=rank, fusedActivationFunction=1)


CASES = {  # inputs, filters, memory, rank, type of the state, and its numbers
    "8 bits": (1, 7, 6, 5, 2, "int8", (0, 0, 1 / 300, 1 / 64, 1 / 8)),
    "8 bits, extreme zero points": (1, 16, 4, 1, 1, "int8", (-128, 20, 1 / 60, 1 / 64, 1 / 16)),
    "16 bits": (1, 9, 6, 7, 3, "int16", (0, -128, 1 / 300, 1 / 4096, 1 / 512)),
    "batch of 2": (2, 9, 4, 3, 2, "int16", (0, 5, 1 / 300, 1 / 4096, 1 / 512)),
}


@pytest.mark.parametrize("case", CASES)
def test_svdf_gives_tflms_bytes_run_after_run(case):
    batch, inputs, *rest = CASES[case]
    net = Network(seed=3)
    x = net.input(batch, inputs, zero_point=-11)
    first = svdf(net, x, *rest)
    second = svdf(net, first, *rest)
    content = net.file(first, second)
    images = net.rng.integers(-128, 127, (RUNS if batch == 1 else 1, batch, inputs), endpoint=True).astype("int8")
    expected = runtime.run(content, [images.reshape(-1, inputs)], runtime="tflm").outputs
    network = lower.lower(graph.read(content).main)
    for arranged in (schedule.whole(network), schedule.rows(network)):
        program = process.built(hosted_sources(arranged))
        runs = process.run(program, network, [[image] for image in images]).outputs
        for number in range(2):
            made = np.concatenate([outputs[number] for outputs in runs])
            assert len(np.unique(made)) > 3
            np.testing.assert_array_equal(made, expected[number].reshape(made.shape))
