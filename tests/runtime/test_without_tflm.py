# SPDX-License-Identifier: Apache-2.0
"""Without the package tflite-micro, LiteRT's reference kernels take TFLM's place: the same bytes, and what says so."""

import importlib.util
import json
from types import SimpleNamespace

import numpy as np
import pytest
from tflite.network import Network
from tflite.tiling.networks import encoder_decoder

from keras_unetmm import tflite
from keras_unetmm.engine.folder import CrossCheckError
from keras_unetmm.engine.kernels import table
from keras_unetmm.firmware import write
from keras_unetmm.firmware.device.bench import _checksums, selftest
from keras_unetmm.interpreters.runtime import MissingRuntimeError, reference_runtime, run
from keras_unetmm.runtime.tiled import run_tiled
from keras_unetmm.tflite_file.graph import read

pytestmark = pytest.mark.no_backend
# LiteRT's reference kernels have no ELU; RSQRT takes no byte that stands for less than 0.
OUTPUT = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}  # of scales that the kernels ask for
FACTOR = {"ADD": 100, "MAXIMUM": 5, "MINIMUM": 5, "MUL": 100, "PRELU": 100, "SQUARED_DIFFERENCE": 20, "SUB": 100}


@pytest.fixture
def hidden(monkeypatch):
    """Hides the package."""
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if "tflite_micro" in name else find(name, *rest)
    )
    assert reference_runtime() == "litert-reference"


def curve(name, scale=0.04, zero_point=-9):
    """A file of one operator that makes each byte of one byte."""
    network = Network(0)
    x = network.input(1, 4, 4, 1, scale=scale, zero_point=zero_point)
    scale, zero_point = OUTPUT.get(name, (scale, zero_point))
    if name in FACTOR:
        number = network.tensor((1,) if name != "PRELU" else (1, 1, 1), 0.01, data=np.full((1,), FACTOR[name], "int8"))
        made = network.operator(name, [x, number], [network.tensor((1, 4, 4, 1), scale, zero_point)])
    else:
        made = network.operator(name, [x], [network.tensor((1, 4, 4, 1), scale, zero_point)])
    return network.file(made)


@pytest.mark.parametrize("name", sorted({*table.UNARY, *FACTOR} - {"ELU", "RSQRT"}))
def test_tables_are_the_same(name):
    graph = read(curve(name)).main
    small = table.chain_file(graph, graph.operators)
    values = np.arange(-128, 128).astype("int8").reshape(1, 16, 16, 1)
    on_tflm, on_litert = (run(small, values, runtime).outputs[0] for runtime in ("tflm", "litert-reference"))
    np.testing.assert_array_equal(on_tflm, on_litert)
    assert len(np.unique(on_tflm)) > 20 or name in ("MAXIMUM", "MINIMUM")


def test_firmware_is_the_same_c_and_names_what_it_was_compared_with(tmp_path, request):
    net = Network(0)
    x = net.conv(net.input(1, 8, 8, 2), 4, (3, 3))
    content = net.file(net.binary("MUL", x, net.logistic(x)))
    with_tflm = tflite.firmware(content, tmp_path / "with", "net")
    request.getfixturevalue("hidden")
    without = tflite.firmware(content, tmp_path / "without", "net")
    assert with_tflm["cross_check"]["reference"] == "TFLM"
    assert without["cross_check"] == {**with_tflm["cross_check"], "reference": "LiteRT's reference kernels"}
    for file in with_tflm["files"]:
        one, other = ((tmp_path / folder / file).read_text() for folder in ("with", "without"))
        if file in ("README.md", "net_selftest.c"):
            assert "TensorFlow Lite for Microcontrollers" in one
            assert "TensorFlow Lite for Microcontrollers" not in other
            assert "LiteRT's reference kernels" in other
        elif file != "unetmm.json":
            assert one == other, file


@pytest.mark.usefixtures("hidden")
def test_other_bytes_need_not_be_a_fault_of_the_engine(tmp_path, monkeypatch):
    right = write.reference_outputs
    monkeypatch.setattr(write, "reference_outputs", lambda *given: [[a + 1 for a in arrays] for arrays in right(*given)])
    with pytest.raises(CrossCheckError, match="run it where TFLM is installed"):
        tflite.firmware(curve("TANH"), tmp_path / "net", "net")
    assert not (tmp_path / "net").exists()


def test_the_engine_runs_files(hidden):
    content = curve("TANH")
    image = np.random.default_rng(0).uniform(-5, 5, (4, 4, 1))
    engine, litert = (tflite.run(content, image, runtime).outputs[0] for runtime in ("engine", "litert-reference"))
    np.testing.assert_array_equal(engine, litert)
    with pytest.raises(MissingRuntimeError, match="use the runtime litert-reference"):
        tflite.run(content, image)


def test_tiles_have_an_estimated_tail(hidden):
    size, content = (32, 32), encoder_decoder(3, (32, 32), zeros=True)
    program = tflite.tile(content, size, tile=16, border="same")
    assert all(step.tail_bytes > 0 for step in program.steps)
    assert json.loads(json.dumps(program.description))["ram_bytes_with_tails"] > program.ram_bytes
    image = np.random.default_rng(0).integers(-128, 128, (*size, 3)).astype("int8")
    whole = run(content, image[None], "litert-reference").outputs[0][0]
    np.testing.assert_array_equal(run_tiled(program, image, "litert-reference").output, whole)


def test_a_device_is_compared_with_a_file(request):
    content = curve("TANH")
    port = {"type": "INT8", "shape": [1, 4, 4, 1], "scale": 0.04, "zero_point": -9}
    device = SimpleNamespace(name="a board", hello=SimpleNamespace(description={"inputs": [port]}))
    right = {case: _checksums(device, content, case) for case in range(6)}
    device.selftest = lambda case, paint: SimpleNamespace(checksums=right[case])
    request.getfixturevalue("hidden")
    assert len(selftest(device, content)) == 7
    right[3] = (0,)
    with pytest.raises(ValueError, match="the bytes of the file on LiteRT's reference kernels"):
        selftest(device, content)
