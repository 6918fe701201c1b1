"""A file on a Coral Edge TPU: without one the processor runs it and says so, and a compiled file is refused."""

import json

import numpy as np
import pytest
from firmware.projects import photograph_network
from PIL import Image
from tflite.network import Network
from typer.testing import CliRunner

from keras_unetmm.cli import app
from keras_unetmm.firmware.device.coral import run_coral
from keras_unetmm.firmware.device.ports import DeviceError
from keras_unetmm.tflite import run


def call(*arguments):
    return CliRunner().invoke(app, ["device", "run", *map(str, arguments)])


def test_without_an_edge_tpu_the_processor_runs_the_file_and_says_so(tmp_path):
    (tmp_path / "net.tflite").write_bytes(photograph_network())
    image = np.random.default_rng(0).integers(0, 256, (12, 20, 3)).astype("uint8")
    Image.fromarray(image).save(tmp_path / "photo.png")
    done = call(tmp_path / "photo.png", "--coral", tmp_path / "net.tflite", "-o", tmp_path / "out.png", "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["edge_tpu"] is False
    assert "libedgetpu" in said["word"]
    right = run(photograph_network(), (image.astype("int64") - 128).astype("int8"), runtime="litert").outputs[0][0]
    assert np.array_equal(np.asarray(Image.open(tmp_path / "out.png")), right.astype("int64") + 128)


def test_what_only_an_edge_tpu_can_run_is_told(tmp_path):
    net = Network(0)
    x = net.input(1, 12, 20, 3)
    (tmp_path / "compiled.tflite").write_bytes(net.file(net.operator("edgetpu-custom-op", [x], [net.like(x)])))
    with pytest.raises(DeviceError, match=r"which alone can run it\. Received: no Edge TPU through libedgetpu"):
        run_coral(tmp_path / "compiled.tflite", [np.zeros((1, 12, 20, 3), "int8")], "libedgetpu.so.1")
    (tmp_path / "photo.npy").write_bytes(b"no numbers")
    (tmp_path / "net.tflite").write_bytes(photograph_network())
    (tmp_path / "broken.tflite").write_bytes(photograph_network()[:200])
    done = call(tmp_path / "photo.npy", "--coral", tmp_path / "broken.tflite", "-o", tmp_path / "out.npy")
    assert done.exit_code == 2
    done = call(tmp_path / "photo.npy", "--coral", tmp_path / "net.tflite", "-o", tmp_path / "out.npy")
    assert done.exit_code == 2
    assert "must be a .npy file of numbers" in " ".join(done.stderr.split())
    done = call(tmp_path / "photo.npy", "--coral", tmp_path / "net.tflite", "--port", "x", "-o", tmp_path / "out.npy")
    assert "must not come together" in " ".join(done.stderr.split())
