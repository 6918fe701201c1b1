"""Random networks run on the engine by whole maps, by rows, in strips and in two memories, with TFLM's bytes.

By hand, other networks and more of them: `EXAMPLES=500 pytest tests/engine/test_random_networks.py --hypothesis-seed=1`.
"""

import os

from engine.engines import check_equal, expected, network_of, some_inputs
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from tflite.random_networks import networks

from keras_unetmm.engine import schedule
from keras_unetmm.engine.lower import EngineError
from keras_unetmm.engine.search import BudgetError
from keras_unetmm.engine.verify import verify
from keras_unetmm.interpreters.runtime import RunError

EXAMPLES = int(os.environ.get("EXAMPLES", "25"))
SECONDS = 0.05  # of search for a placement


def check(content, block, budget, step):
    try:
        network = network_of(content)
    except EngineError:
        return False  # an operator without a kernel, or an output that is a constant
    runs = some_inputs(network)
    try:
        wanted = expected(content, runs)
    except RunError:
        return False  # TFLM itself refuses the file
    size = schedule.block_of(block, 64 * block)
    check_equal(schedule.whole(network, SECONDS, size), runs, wanted)
    rows = schedule.rows(network, seconds=SECONDS, block=size)
    check_equal(rows, runs, wanted, step=step)
    verify(rows, step)
    check_equal(schedule.rows(network, memories=2, seconds=SECONDS, block=size), runs, wanted)
    try:
        smaller = schedule.rows(network, ram=int(rows.layout.bytes[0] * budget), seconds=SECONDS, block=size)
    except BudgetError:
        return True
    check_equal(smaller, runs, wanted)
    verify(smaller, step)
    return True


def test_the_engine_gives_the_bytes_of_tflm(tmp_path):
    count = {True: 0, False: 0}

    @settings(
        max_examples=EXAMPLES,
        derandomize="EXAMPLES" not in os.environ,
        deadline=None,
        database=None,
        phases=[Phase.generate],  # every try compiles: to shrink takes too long
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )
    @given(networks(), st.sampled_from([1, 3, 8]), st.sampled_from([0.8, 0.6]), st.sampled_from([1, 100, 10_000]))
    def holds(content, block, budget, step):
        note(f"the network is in {tmp_path / 'network.tflite'}")
        (tmp_path / "network.tflite").write_bytes(content)
        count[check(content, block, budget, step)] += 1

    holds()
    assert count[True] > count[False]
