"""Instructions predicted without generating C: the figures of `unetmm firmware`, within a limit, or why there are none."""

import time

import pytest
from tflite.network import Network
from tflite.tiling.networks import encoder_decoder

from keras_unetmm.engine.figures import figures
from keras_unetmm.engine.ports import ports
from keras_unetmm.firmware import prediction as module
from keras_unetmm.firmware.prediction import Prediction, prediction
from keras_unetmm.firmware.write import Wanted, candidates, scheduled
from keras_unetmm.interpreters.runtime import RunError


def of_floats():
    net = Network(dtype="float32")
    return net.file(net.unary("TANH", net.input(1, 4, 4, 2)))


@pytest.mark.parametrize("seed", range(3))
def test_the_figures_are_those_that_firmware_prints(seed):
    content = encoder_decoder(seed, (32, 24), zeros=True)
    made, graph = scheduled(candidates(content), Wanted())
    printed = figures(made, ports(graph, made.network, made.input_reads), 1)
    found = prediction(content)
    assert found["predicted"] == printed["predicted"]
    assert (found["schedule"], found["ram_bytes"]) == (printed["schedule"], printed["ram_bytes"])
    assert all(core["instructions"] > 10_000 for core in found["predicted"].values())


def test_it_is_looked_for_in_a_process_of_its_own(tmp_path):
    content = encoder_decoder(0, (32, 24), zeros=True)
    (tmp_path / "a.tflite").write_bytes(content)
    with Prediction(tmp_path / "a.tflite", 300) as looked_for:
        assert looked_for.result() == prediction(content)


def test_an_operator_without_a_kernel_and_maps_too_large_are_said(monkeypatch):
    with Prediction(of_floats(), 300) as looked_for:
        assert "float" in looked_for.result()["why"].lower()
    net = Network()
    large = net.file(net.pool("MAX_POOL_2D", net.input(1, 5000, 5000, 1), (3, 3), stride=(1, 1)))
    with pytest.raises((ValueError, RunError), match=r"16,777,216 pixels together at most.*Received: 75,000,000"):
        prediction(large, seconds=0.05)


def test_a_search_that_takes_too_long_is_ended(monkeypatch):
    monkeypatch.setattr(module, "_CHILD", "import time; time.sleep(60)  # {path}")
    begin = time.monotonic()
    with Prediction(of_floats(), 0.2) as looked_for:
        assert looked_for.result()["why"].startswith("no schedule was found in 0.2 seconds")
    monkeypatch.setattr(module, "_CHILD", "import os; os.abort()  # {path}")
    with Prediction(of_floats(), 50) as looked_for:
        assert "ended with status -6" in looked_for.result()["why"]
    assert time.monotonic() - begin < 40
