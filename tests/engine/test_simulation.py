"""The simulation of passes: what an operator alone gives at once, it gives step by step."""

import functools

from engine.engines import check_equal, expected, network_of, some_inputs
from hypothesis import HealthCheck, given, settings
from tflite.network import Network
from tflite.random_networks import networks

from keras_unetmm.engine import schedule
from keras_unetmm.engine.layout import lives, pairs
from keras_unetmm.engine.lower import EngineError
from keras_unetmm.engine.network import READS
from keras_unetmm.engine.passes import Cutter
from keras_unetmm.engine.simulation import Simulation


class StepByStep(Simulation):
    """Without the short way for an operator alone."""

    def _alone(self):
        self._strip(0)
        self.trace.together = {m: set() for m in self.made.values()}
        return self.trace


@settings(max_examples=30, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(networks())
def test_one_operator_alone_is_as_step_by_step(content):
    try:
        network = network_of(content)
    except EngineError:
        return
    block = schedule.block_of(3, 100)
    cutter = Cutter(network, lambda op: block(network, op))
    passes = cutter.cut([[i] for i in range(len(network.operators))])
    sizes = {m.root: network.maps[m.root].bytes for m in network.maps}
    for made, over in zip(passes, pairs(passes, lives(network, passes)), strict=True):
        outputs = {n: network.operators[i].output for n, i in enumerate(made.operators)}
        outputs = {n: m for n, m in outputs.items() if m is not None}
        quick, slow = (kind(made.walks, made.sinks, outputs, over, sizes).run() for kind in (Simulation, StepByStep))
        assert quick == slow


def test_a_map_that_more_than_255_operators_follow():
    net = Network()
    kept = net.conv(net.input(1, 3, 5, 2), 2, (3, 3))
    pools = [net.pool("MAX_POOL_2D", kept, stride=(2, 2)) for _ in range(258)]
    content = net.file(*pools[:255], functools.reduce(lambda a, b: net.binary("ADD", a, b), pools[255:]))
    network = network_of(content)
    runs, groups = some_inputs(network)[:1], [[i for i, op in enumerate(network.operators) if op.kind != READS]]
    cutter = Cutter(network, lambda op: 2, set(network.inputs))
    made = schedule.arranged("rows", network, cutter, cutter.cut(groups), seconds=0.02)
    assert max(len(walk.followers) for walk in made.passes[0].walks) > 255
    check_equal(made, runs, expected(content, runs))


def test_strips_of_columns_that_read_nothing():
    net = Network()
    kept = net.depthwise(net.input(1, 4, 5, 3))
    content = net.file(net.depthwise(net.transposed(kept, 2, (2, 2), (3, 3)), (1, 1)))
    network = network_of(content)
    runs, groups = some_inputs(network), [[i for i, op in enumerate(network.operators) if op.kind != READS]]
    cutter = Cutter(network, lambda op: 2, set(network.inputs))
    for strips in (15, 8):
        made = schedule.arranged("rows", network, cutter, cutter.cut(groups, [strips]), seconds=0.02)
        assert made.passes[0].strips == strips
        check_equal(made, runs, expected(content, runs))
